"""One pass over a list's ledger, by the rules of listing in docs/protocol.md."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from taskledger.v1.envelope_pb2 import TaskEnvelope

from ..envelope import MAX_TASK_BYTES, MAX_VERSION, version_of
from .session import TooManyTombstones

PAGE_ROWS: Final = 500
# The first page is small, so that the first task comes soon.
FIRST_PAGE_ROWS: Final = 16
PAGE_BYTES: Final = 4 * 1024 * 1024
# Entries of all partitions together that are held at once.
_HELD_ENTRIES: Final = 32_000
_SUCCESSES: Final = 3

Place = tuple[int, str]
"""An entry's version and id."""


class LedgerReads(Protocol):
    """What a pass reads, of several partitions at once."""

    def starts(self, bound: int) -> Starts: ...
    def entries(self, ranges: Sequence[Range]) -> list[list[Entry]]:
        """In the order of the ranges."""

    def tasks(self, ids: dict[int, list[str]]) -> dict[str, TaskEnvelope]: ...


@dataclass(frozen=True)
class Starts:
    """By shard: the ends of its swept ranges, and the version of its last entry past the bound. Few shards have either."""

    swept: dict[int, list[int]]
    last: dict[int, int]


@dataclass(frozen=True)
class Range:
    """Entries of a partition after a place, up to and with a version."""

    shard: int
    after: Place
    up_to: int
    limit: int


@dataclass(frozen=True)
class Entry:
    saved_at: int
    id: str
    size: int | None
    """The number of bytes of the body, as its writer says."""


@dataclass
class _Stream:
    """A partition's entries, as far as they have been read."""

    shard: int
    segments: list[tuple[int, int]]
    after: Place = (0, "")
    entries: list[Entry] = field(default_factory=list)
    index: int = 0
    last_page: frozenset[Place] = frozenset()
    # The end of a range that was too much to read, and how many reads went well since.
    too_far: int | None = None
    successes: int = 0

    @property
    def head(self) -> Entry:
        return self.entries[self.index]

    def is_at_hand(self) -> bool:
        return self.index < len(self.entries)

    def next_range(self, limit: int) -> Range:
        up_to = self.segments[0][1]
        if self.too_far is not None:
            up_to = self.too_far
            if self.successes < _SUCCESSES:
                up_to = self.after[0] + (self.too_far - self.after[0]) // 2
        return Range(self.shard, self.after, up_to, limit)

    def was_too_much(self, range_: Range) -> None:
        self.too_far, self.successes = range_.up_to, 0

    def was_read(self, range_: Range, entries: list[Entry]) -> None:
        self.entries += entries
        if len(entries) == range_.limit:
            self.after = (entries[-1].saved_at, entries[-1].id)
            return
        self.successes += 1
        self.after = (range_.up_to + 1, "")
        if range_.up_to == self.too_far:
            self.too_far = None
        if range_.up_to == self.segments[0][1]:
            del self.segments[0]
            self.too_far = None
            if self.segments:
                self.after = (self.segments[0][0], "")


@dataclass(frozen=True)
class _Placed:
    """An entry, and those that were read with it."""

    entry: Entry
    page: frozenset[Place]
    stream: _Stream

    def comes_later(self, version: int) -> bool:
        """Whether the version that replaced this one has an entry at hand. One still to be read may be swept before."""
        place = (version, self.entry.id)
        return place in self.page or place in self.stream.last_page


class Pass:
    """What one call of `open_tasks` reads, and what it has yielded away from its place, and past its bound."""

    def __init__(self, reads: LedgerReads, shards: int, started_at: int, clock_limit: int, before: int | None) -> None:
        """`before` leaves out what was saved at that version or later, but for what a wrong clock saved."""
        self._reads = reads
        self._shards = shards
        self._bound = started_at + 2 * clock_limit
        self._before = before
        self._per_read = max(8, min(PAGE_ROWS, _HELD_ENTRIES // shards))
        self._elsewhere: set[Place] = set()
        self._past_bound: set[str] = set()

    def run(self) -> Iterator[TaskEnvelope]:
        streams = self._open()
        heap = [(stream.head.saved_at, stream.shard, stream) for stream in streams]
        heapq.heapify(heap)
        most = FIRST_PAGE_ROWS
        while placed := self._take(heap, most):
            yield from self._judge(placed)
            most = PAGE_ROWS

    def _open(self) -> list[_Stream]:
        """All partitions at once: up to where the pass ends in each, without what was swept."""
        starts = self._reads.starts(self._bound)
        streams = [
            _Stream(shard, self._segments(starts.last.get(shard, self._bound), starts.swept.get(shard, [])))
            for shard in range(self._shards)
        ]
        for stream in streams:
            if stream.segments:
                stream.after = (stream.segments[0][0], "")
        self._fill(streams)
        return [stream for stream in streams if stream.is_at_hand()]

    def _segments(self, end: int, swept: list[int]) -> list[tuple[int, int]]:
        up_to = end if self._before is None else min(end, self._before - 1)
        starts, stops = [1, *swept[1::2]], [*swept[0::2], up_to]
        segments = [(start, min(stop, up_to)) for start, stop in zip(starts, stops)]
        beyond = (max(self._bound, up_to) + 1, end)  # a wrong clock's tasks may be of any age
        return [(start, stop) for start, stop in [*segments, beyond] if start <= stop]

    def _fill(self, streams: Sequence[_Stream]) -> None:
        """Reads the next page of each."""
        for stream in streams:
            stream.entries, stream.index = [], 0
        while wanting := [each for each in streams if each.segments and len(each.entries) < self._per_read]:
            ranges = [stream.next_range(self._per_read - len(stream.entries)) for stream in wanting]
            for stream, range_, entries in zip(wanting, ranges, self._read(ranges)):
                if entries is None:
                    stream.was_too_much(range_)
                else:
                    stream.was_read(range_, entries)
        for stream in streams:
            stream.last_page = frozenset((entry.saved_at, entry.id) for entry in stream.entries)

    def _read(self, ranges: Sequence[Range]) -> Sequence[list[Entry] | None]:
        """None in the place of a range that is too much to read."""
        try:
            return self._reads.entries(ranges)
        except TooManyTombstones:
            if len(ranges) > 1:
                return [entries for range_ in ranges for entries in self._read([range_])]
            if ranges[0].up_to <= ranges[0].after[0]:
                raise  # a range of one microsecond can't be made smaller
            return [None]

    def _take(self, heap: list[tuple[int, int, _Stream]], most: int) -> list[_Placed]:
        """The next entries, bounded in number and in the bytes of their tasks; one alone may have more."""
        taken: list[_Placed] = []
        left = PAGE_BYTES
        while heap and len(taken) < most:
            stream = heap[0][2]
            left -= MAX_TASK_BYTES if stream.head.size is None else stream.head.size
            if left < 0 and taken:
                break
            taken.append(_Placed(stream.head, stream.last_page, stream))
            stream.index += 1
            if not stream.is_at_hand():
                self._fill([stream])
            if stream.is_at_hand():
                heapq.heapreplace(heap, (stream.head.saved_at, stream.shard, stream))
            else:
                heapq.heappop(heap)
        return taken

    def _judge(self, placed: list[_Placed]) -> Iterator[TaskEnvelope]:
        ids: dict[int, dict[str, None]] = {}
        for each in placed:
            ids.setdefault(each.stream.shard, {})[each.entry.id] = None
        rows = self._reads.tasks({shard: list(some) for shard, some in ids.items()})
        for each in placed:
            envelope = rows.get(each.entry.id)
            version = version_of(envelope) if envelope else None
            if envelope is None or version is None or version < each.entry.saved_at:
                continue  # completed, or its save is still on the way
            if version > each.entry.saved_at and each.comes_later(version):
                continue
            if self._yields(each.entry, version):
                yield envelope

    def _yields(self, entry: Entry, version: int) -> bool:
        """Whether a version that an entry leads to is wanted, and has not been yielded yet."""
        if (self._before or MAX_VERSION) <= version <= self._bound:
            return False
        place = (version, entry.id)
        was_yielded = place in self._elsewhere
        if version == entry.saved_at:
            self._elsewhere.discard(place)
        else:
            self._elsewhere.add(place)
        return not was_yielded and not self._comes_again(entry.id, version)

    def _comes_again(self, id: str, version: int) -> bool:
        """Past the bound are a wild clock's tasks and those saved since: a pass that gave them twice might not end."""
        if version <= self._bound:
            return False
        was_yielded = id in self._past_bound
        self._past_bound.add(id)
        return was_yielded
