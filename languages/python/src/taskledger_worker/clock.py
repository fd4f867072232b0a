"""Where versions come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from .envelope import MAX_VERSION
from .errors import Code, TaskError

SECOND: Final = 1_000_000
CLOCK_LIMIT: Final = SECOND


class VersionClock:
    """Makes versions: the host's clock in microseconds, which never goes back, and moves past every version it meets.

    It may be used by many threads at once.
    """

    def __init__(self, now: Callable[[], int] = lambda: time.time_ns() // 1000, limit: int = CLOCK_LIMIT) -> None:
        """`limit` is how far clocks may be off, in microseconds; at most a second. Raises INVALID_ARGUMENT."""
        if not 0 < limit <= CLOCK_LIMIT:
            raise TaskError(Code.INVALID_ARGUMENT, f"limit must be 1 to {CLOCK_LIMIT} microseconds, and is {limit}")
        self.now: Final = now
        self.limit: Final = limit
        self._last = 0
        self._lock = threading.Lock()

    def horizon(self) -> int:
        """The latest version that another host's clock can have made by now: what lies past it, a wrong clock made."""
        return self.now() + 2 * self.limit

    def next(self, replaced: int = 0) -> int:
        """Later than every version that was made or met, and than `replaced`. Raises CLOCK_SKEW past the year 9999."""
        with self._lock:
            version = max(self.now(), self._last + 1, replaced + 1)
            if version > MAX_VERSION:
                raise TaskError(Code.CLOCK_SKEW, "a version lies past the year 9999: a clock is wrong")
            self._observe(version)
            return version

    def observe(self, version: int) -> None:
        """Moves past a version. One that is far ahead is a wrong clock's, and moves nothing."""
        with self._lock:
            self._observe(version)

    def _observe(self, version: int) -> None:
        if self._last < version <= self.horizon():
            self._last = version
