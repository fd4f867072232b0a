"""Notes the lists that tasks are saved to: by that table, others find them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from ..clock import SECOND
from ..errors import TaskError

# Partitions that the names are spread over. All clients must have the same.
BUCKETS: Final = 16
# A list that was noted need not be noted again for an hour.
_NOTED_FOR: Final = 3600 * SECOND
# Of more, all are forgotten, and noted anew.
_MAX_KNOWN: Final = 100_000


class ListNames:
    """The lists that this process has noted. It may be used by many threads at once."""

    def __init__(self, now: Callable[[], int], write: Callable[[str, int], None]) -> None:
        """`now` gives microseconds; `write` notes a list, at such a time."""
        self._now = now
        self._write = write
        self._noted_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def note(self, task_list: str) -> None:
        """Comes after a task was saved. If it fails, the task is there, and may not be found by who does not know its list."""
        at = self._now()
        if self._is_noted(task_list, at):
            return
        try:
            self._write(task_list, at)
        except TaskError as error:
            message = f"the task was saved, but its list could not be noted: {error}"
            raise TaskError(error.code, message, "unknown") from error
        with self._lock:
            if len(self._noted_at) >= _MAX_KNOWN:
                self._noted_at.clear()
            self._noted_at[task_list] = at

    def _is_noted(self, task_list: str, now: int) -> bool:
        with self._lock:
            at = self._noted_at.get(task_list)
        return at is not None and 0 <= now - at < _NOTED_FOR
