"""Watches that a keyspace has the settings that it was opened with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ..errors import Code, TaskError
from .settings import Settings

_INTERVAL: Final = 60.0
# How soon it is looked again at a keyspace that can't be read, or has other settings.
_SOON: Final = 1.0


class SettingsGuard:
    """Somebody may drop a keyspace and make it anew: what is written by the old number of shards, nobody would find."""

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        self._settings = settings
        self._read = read
        self._lock = threading.Lock()
        self._next_look = time.monotonic() + _INTERVAL
        self._mismatch: str | None = None

    def suspect(self) -> None:
        """The next check looks."""
        self._next_look = 0.0

    def check(self) -> None:
        """Looks about every minute; one call does, and the others go on meanwhile. Raises SCHEMA_MISMATCH."""
        if time.monotonic() >= self._next_look and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        if self._mismatch is not None:
            raise TaskError(Code.SCHEMA_MISMATCH, self._mismatch)

    def _look(self) -> None:
        try:
            found = self._read()
        except TaskError as error:
            # What can't be read now need not be in the way of what can.
            self._next_look = time.monotonic() + _SOON
            if error.code is Code.SCHEMA_MISMATCH:
                self._mismatch = str(error).removeprefix(f"{error.code}: ")
            return
        if found == self._settings:
            self._mismatch = None
        else:
            self._mismatch = f"the keyspace was opened with {self._settings}, and has {found} now: open it anew"
        self._next_look = time.monotonic() + (_SOON if self._mismatch else _INTERVAL)
