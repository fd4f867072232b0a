"""Compares the host's clock with Cassandra's: a version must not be far from the time at which it was saved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ..clock import SECOND, VersionClock
from ..errors import Code, TaskError

_INTERVAL: Final = 60.0


class ClockGuard:
    def __init__(self, clock: VersionClock, read_server_clock: Callable[[], int]) -> None:
        """`read_server_clock` gives a coordinator's clock, in microseconds; it tells whole milliseconds."""
        self._clock = clock
        self._read_server_clock = read_server_clock
        self._lock = threading.Lock()
        # How far Cassandra's clock is ahead, at least and at most.
        self._skew: tuple[int, int] | None = None
        self._measured_at = self._offset = 0.0

    def check(self) -> None:
        """Compares the clocks if that is due. Raises CLOCK_SKEW."""
        with self._lock:
            if self._is_due():
                self._skew = self._measure()
                self._measured_at, self._offset = time.monotonic(), self._offset_now()
            if self._is_off(self._skew):
                limit = self._clock.limit // 1000
                raise TaskError(Code.CLOCK_SKEW, f"this host's clock is more than {limit} ms off Cassandra's")

    def _is_due(self) -> bool:
        was_set = abs(self._offset_now() - self._offset) > self._clock.limit / 4
        return was_set or self._is_off(self._skew) or time.monotonic() - self._measured_at > _INTERVAL

    def _measure(self) -> tuple[int, int]:
        """One measurement beyond the limit may be of a process that was stopped meanwhile: of three the middle one counts."""
        skews = [self._compare()]
        if self._is_off(skews[0]):
            skews = sorted([skews[0], self._compare(), self._compare()], key=sum)
        return skews[len(skews) // 2]

    def _compare(self) -> tuple[int, int]:
        before = self._clock.now()
        server = self._read_server_clock()
        return server - self._clock.now(), server + 1000 - before

    def _is_off(self, skew: tuple[int, int] | None) -> bool:
        return skew is None or skew[0] > self._clock.limit or skew[1] < -self._clock.limit

    def _offset_now(self) -> float:
        """The wall clock less the monotonic one, in microseconds: constant, unless the wall clock is set."""
        return self._clock.now() - time.monotonic() * SECOND
