"""Tasks in Cassandra: saves, completes, finds and lists them by the rules of docs/protocol.md."""

from __future__ import annotations

import heapq
import itertools
import random
import re
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cassandra import (
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    ReadTimeout,
    RequestExecutionException,
    Unavailable,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable, Session
from cassandra.query import BatchStatement, BatchType, SimpleStatement
from taskledger.v1.envelope_pb2 import TaskEnvelope

from .wire import MAX_TASK_BYTES, MAX_VERSION, TaskError, decode, encode_body, set_version, version_of

SECOND = 1_000_000
CLOCK_LIMIT = SECOND
CLOCK_LIMITS_IN_A_MARGIN = 20
MAX_MARGIN_MS = 2**31 - 1
CLOCK_INTERVAL = 60.0
LATE_SAVES = 3
PAGE = 500
_PARTITION = "task_list = ? AND shard = ?"


def shard_of(id: str, shards: int) -> int:
    product = zlib.crc32(id.encode()) * 0x9E3779B1 & 0xFFFF_FFFF
    return (product >> 16) % shards


def margin_of(setting: str | None, clock_limit: int) -> int | None:
    """A keyspace's margin in microseconds; None where it is none, or unsafe with this clock limit (in microseconds)."""
    if setting is None or not re.fullmatch("[1-9][0-9]{0,9}", setting) or int(setting) > MAX_MARGIN_MS:
        return None
    margin = int(setting) * 1000
    return margin if margin >= CLOCK_LIMITS_IN_A_MARGIN * clock_limit else None


class VersionClock:
    """Makes versions: the host's clock, which never goes back, and which moves past every version that is met."""

    def __init__(self, now: Callable[[], int] = lambda: time.time_ns() // 1000, limit: int = CLOCK_LIMIT) -> None:
        self.now = now
        self._limit = limit
        self._last = 0

    def next(self, replaced: int = 0) -> int:
        version = max(self.now(), self._last + 1, replaced + 1)
        if version > MAX_VERSION:
            raise TaskError("CLOCK_SKEW", "a version lies past the year 9999: a clock is wrong")
        self.observe(version)
        return version

    def observe(self, version: int) -> None:
        """One that is far ahead is a wrong clock's, and moves nothing."""
        if self._last < version <= self.now() + 2 * self._limit:
            self._last = version


@dataclass
class Saved:
    """A task and the versions that saves of unknown outcome may have left behind it."""

    envelope: TaskEnvelope
    replaced: list[int] = field(default_factory=list)


# The places of entries that were read together.
_Page = frozenset[tuple[int, str]]


@dataclass
class _Stream:
    """A partition's entries, as far as they have been read."""

    shard: int
    last_page: _Page


@dataclass(frozen=True)
class _Entry:
    saved_at: int
    id: str
    page: _Page
    stream: _Stream

    def comes_later(self, version: int) -> bool:
        """Whether the version that replaced this one has an entry at hand. One still to be read may be swept before."""
        return any((version, self.id) in page for page in (self.page, self.stream.last_page))


@dataclass
class _Pass:
    """One call of open_tasks: what it has yielded away from its place, and past its bound."""

    task_list: str
    bound: int
    elsewhere: set[tuple[int, str]] = field(default_factory=set)
    past_bound: set[str] = field(default_factory=set)

    def yields(self, entry: _Entry, version: int) -> bool:
        """Whether a version that an entry leads to has not been yielded yet."""
        key = (version, entry.id)
        was_yielded = key in self.elsewhere
        if version == entry.saved_at:
            self.elsewhere.discard(key)
        else:
            self.elsewhere.add(key)
        return not was_yielded and not self._comes_again(entry.id, version)

    def _comes_again(self, id: str, version: int) -> bool:
        """Past the bound are a wild clock's tasks and those saved since: a pass that gave them twice might not end."""
        if version <= self.bound:
            return False
        was_yielded = id in self.past_bound
        self.past_bound.add(id)
        return was_yielded


class Ledger:
    """The open tasks of one keyspace.

    >>> cluster = Cluster(["10.0.0.1"], load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy("dc1")))
    >>> ledger = Ledger(cluster.connect(), "tasks", data_center="dc1")
    >>> for envelope in ledger.open_tasks("acme.com"): ...
    """

    def __init__(
        self,
        session: Session,
        keyspace: str,
        data_center: str,
        *,
        clock: VersionClock | None = None,
        clock_limit: int = CLOCK_LIMIT,
        deadline: float = 10.0,
        attempt_timeout: float = 3.0,
    ) -> None:
        """Reads the settings. `clock_limit` is in microseconds, the others in seconds. Raises SCHEMA_MISMATCH."""
        self.clock = clock or VersionClock(limit=clock_limit)
        self._session = session
        self._limit = clock_limit
        self._deadline = deadline
        self._attempt_timeout = attempt_timeout
        self._consistency = ConsistencyLevel.QUORUM
        self._read_settings(keyspace, data_center)
        self._prepare(keyspace)
        self._skew: tuple[int, int] | None = None
        self._measured = (0.0, 0.0)

    def save(self, task: Saved) -> None:
        """Saves a task, durably; its envelope has the version then.

        Raises TaskError; where its outcome is "unknown", the task has the version that it may have been saved as.
        """
        version = version_of(task.envelope)
        replaced = ([] if version is None else [version]) + task.replaced
        for attempt in range(LATE_SAVES):
            try:
                version = self._save_once(task, replaced)
            except TaskError as error:
                if attempt > 0:
                    error.outcome = "unknown"  # the late one was applied
                raise
            if self.clock.now() - version < self._margin // 2:
                task.replaced = []
                self._remove_replaced(task.envelope, replaced)
                return
            # The process was stopped meanwhile: a sweep may have passed.
            task.replaced = replaced
            replaced = [version, *replaced]
        raise TaskError("TIMEOUT", "the answers came too late to count", "unknown")

    def _save_once(self, task: Saved, replaced: list[int]) -> int:
        self._check_clock()
        version = self.clock.next(max(replaced, default=0))
        body = encode_body(task.envelope)
        envelope = TaskEnvelope()
        envelope.CopyFrom(task.envelope)
        set_version(envelope, version)
        try:
            self._write(self._saving(envelope, version, body))
        except TaskError as error:
            if error.outcome == "unknown":
                task.envelope, task.replaced = envelope, replaced
            raise
        task.envelope = envelope
        return version

    def complete(self, envelope: TaskEnvelope) -> None:
        """Removes the version that the envelope has, and older ones. Raises NOT_SAVED where it has none."""
        version = version_of(envelope)
        if version is None:
            raise TaskError("NOT_SAVED", "the task has no version: its bytes were taken before it was saved")
        self.clock.observe(version)
        place = self._place(envelope)
        delete_task = (self._delete_task, (version, *place, envelope.id))
        self._write([delete_task, self._entry_removal(place, envelope.id, version)])

    def find(self, task_list: str, id: str) -> TaskEnvelope | None:
        rows = self._read(self._read_task, (task_list, self._shard(id), id))
        return self._meet(rows[0]) if rows and rows[0].body is not None else None

    def open_tasks(self, task_list: str) -> Iterator[TaskEnvelope]:
        """The open tasks of a list, oldest first, read as they are asked for."""
        pass_ = _Pass(task_list, self.clock.now() + 2 * self._limit)
        entries = heapq.merge(
            *(self._entries(pass_, shard) for shard in range(self._shards)), key=lambda entry: entry.saved_at
        )
        while some := list(itertools.islice(entries, PAGE)):
            yield from self._judge(pass_, some)

    # Saving and completing

    def _saving(self, envelope: TaskEnvelope, version: int, body: bytes) -> list[tuple[Any, tuple]]:
        place = self._place(envelope)
        return [
            (self._put_task, (*place, envelope.id, body, version)),
            (self._put_entry, (*place, version, envelope.id, len(body), version)),
        ]

    def _remove_replaced(self, envelope: TaskEnvelope, replaced: Sequence[int]) -> None:
        """What is left of them leads nowhere; another may remove it as well."""
        place = self._place(envelope)
        for version in replaced:
            try:
                self._write([self._entry_removal(place, envelope.id, version)])
            except TaskError:
                return

    def _entry_removal(self, place: tuple[str, int], id: str, version: int) -> tuple[Any, tuple]:
        return self._delete_entry, (version, *place, version, id)

    def _write(self, statements: Sequence[tuple[Any, tuple]]) -> None:
        """One batch, which is one mutation: sent again, as it is, until the deadline."""
        batch = BatchStatement(BatchType.LOGGED, consistency_level=self._consistency)
        batch.is_idempotent = True
        for statement, values in statements:
            batch.add(statement, values)
        self._retry(batch, None)

    # Listing

    def _entries(self, pass_: _Pass, shard: int) -> Iterator[_Entry]:
        place = (pass_.task_list, shard)
        last = self._read(self._read_last_entry, (*place, pass_.bound))
        bound = last[0].saved_at if last else pass_.bound
        stream = _Stream(shard, frozenset())
        segments = self._segments(place, bound)
        after = (segments[0][0], "") if segments else None
        while after is not None:
            rows, after = self._read_page(place, segments, after)
            page = stream.last_page = frozenset((row.saved_at, row.id) for row in rows)
            yield from (_Entry(row.saved_at, row.id, page, stream) for row in rows)

    def _read_page(self, place: tuple[str, int], segments: list[tuple[int, int]], after: tuple[int, str]):
        """The next entries, and the place that the next page begins after; None at the end."""
        rows: list[Any] = []
        while len(rows) < PAGE:
            limit = PAGE - len(rows)
            some = self._read(self._read_entries, (*place, *after, segments[0][1], limit))
            rows += some
            if len(some) == limit:
                return rows, (rows[-1].saved_at, rows[-1].id)
            segments.pop(0)
            if not segments:
                return rows, None
            after = (segments[0][0], "")
        return rows, after

    def _segments(self, place: tuple[str, int], bound: int) -> list[tuple[int, int]]:
        """What is to be read: all up to the bound, without the stretches that were swept."""
        rows = self._read(self._read_sweep, place)
        ends = list(rows[0].stretches or []) if rows else []
        starts, stops = [0, *ends[1::2]], [*ends[0::2], bound]
        return [(start, min(stop, bound)) for start, stop in zip(starts, stops) if start <= min(stop, bound)]

    def _judge(self, pass_: _Pass, entries: Sequence[_Entry]) -> Iterator[TaskEnvelope]:
        rows = self._task_rows(pass_.task_list, entries)
        for entry in entries:
            envelope = rows.get(entry.id)
            version = version_of(envelope) if envelope else None
            if version is None or version < entry.saved_at:
                continue  # completed, or its save is still on the way
            if version > entry.saved_at and entry.comes_later(version):
                continue
            if pass_.yields(entry, version):
                yield envelope

    def _task_rows(self, task_list: str, entries: Sequence[_Entry]) -> dict[str, TaskEnvelope]:
        ids: dict[int, set[str]] = {}
        for entry in entries:
            ids.setdefault(entry.stream.shard, set()).add(entry.id)
        found = {}
        for shard, some in ids.items():
            for row in self._read(self._read_tasks, (task_list, shard, list(some))):
                if row.body is not None:
                    found[row.id] = self._meet(row)
        return found

    def _meet(self, row: Any) -> TaskEnvelope:
        """A stored task, its version appended; what is saved from now on is later than it."""
        envelope = decode(row.body, limit=max(len(row.body), MAX_TASK_BYTES))
        set_version(envelope, row.saved_at)
        self.clock.observe(row.saved_at)
        return envelope

    # The clock

    def _check_clock(self) -> None:
        """Compares the clock with Cassandra's, if that is due. Raises CLOCK_SKEW."""
        since, offset = self._measured
        was_set = abs(_offset(self.clock) - offset) > self._limit / 4
        due = time.monotonic() - since > CLOCK_INTERVAL
        if self._skew is None or was_set or due or self._is_off(self._skew):
            skews = [self._compare_clocks()]
            if self._is_off(skews[0]):
                skews = sorted([skews[0], self._compare_clocks(), self._compare_clocks()])
            self._skew = skews[len(skews) // 2]
            self._measured = (time.monotonic(), _offset(self.clock))
        if self._is_off(self._skew):
            limit = self._limit // 1000
            raise TaskError("CLOCK_SKEW", f"this host's clock is more than {limit} ms off Cassandra's; nothing is saved")

    def _compare_clocks(self) -> tuple[int, int]:
        """How far Cassandra's clock is ahead, at least and at most. It tells whole milliseconds."""
        before = self.clock.now()
        server = self._read(self._read_clock, ())[0].now * 1000
        return server - self.clock.now(), server + 1000 - before

    def _is_off(self, skew: tuple[int, int]) -> bool:
        least, most = skew
        return least > self._limit or most < -self._limit

    # The session

    def _read(self, statement: Any, values: Sequence[Any]) -> list[Any]:
        return list(self._retry(statement, values))

    def _retry(self, statement: Any, values: Sequence[Any] | None) -> Any:
        """All statements are idempotent: tries again until the deadline."""
        end = time.monotonic() + self._deadline
        may_apply = False
        for attempt in range(1_000_000):
            try:
                timeout = max(0.001, min(self._attempt_timeout, end - time.monotonic()))
                return self._session.execute(statement, values, timeout=timeout)
            except InvalidRequest as error:
                raise TaskError("UNAVAILABLE", str(error)) from error
            except (RequestExecutionException, OperationTimedOut, NoHostAvailable) as error:
                may_apply |= not isinstance(error, Unavailable)
                time.sleep(random.random() * min(1.0, 0.025 * 2**attempt))
                if time.monotonic() >= end:
                    timed_out = isinstance(error, (OperationTimedOut, ReadTimeout, WriteTimeout))
                    code = "TIMEOUT" if timed_out else "UNAVAILABLE"
                    raise TaskError(code, str(error), "unknown" if may_apply else "not-applied") from error
        raise AssertionError("unreachable")

    def _read_settings(self, keyspace: str, data_center: str) -> None:
        rows = self._execute(f'SELECT name, value FROM "{keyspace}".settings')
        settings = {row.name: row.value for row in rows}
        found = settings.get("data_center")
        margin = margin_of(settings.get("margin"), self._limit)
        if settings.get("layout") != "1" or found not in ("*", data_center) or margin is None:
            raise TaskError("SCHEMA_MISMATCH", f'keyspace "{keyspace}" has the settings {settings}')
        tables = self._execute(f"SELECT table_name, read_repair FROM system_schema.tables WHERE keyspace_name = '{keyspace}'")
        if any(table.read_repair != "BLOCKING" for table in tables if table.table_name in ("tasks", "open_tasks")):
            raise TaskError("SCHEMA_MISMATCH", f'tables of keyspace "{keyspace}" must have read_repair BLOCKING')
        self._shards = int(settings["shards"])
        self._margin = margin
        self._consistency = ConsistencyLevel.QUORUM if found == "*" else ConsistencyLevel.LOCAL_QUORUM

    def _execute(self, query: str) -> list[Any]:
        # By itself the driver asks one replica, which may not have the settings yet, or have old ones.
        statement = SimpleStatement(query, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
        return list(self._session.execute(statement, timeout=self._deadline))

    def _prepare(self, keyspace: str) -> None:
        def prepare(query: str) -> Any:
            statement = self._session.prepare(query.replace("{}", f'"{keyspace}"').replace("$", _PARTITION))
            statement.consistency_level = self._consistency
            statement.is_idempotent = True
            return statement

        self._put_task = prepare(
            "INSERT INTO {}.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
        )
        self._put_entry = prepare(
            "INSERT INTO {}.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
        self._delete_task = prepare("DELETE FROM {}.tasks USING TIMESTAMP ? WHERE $ AND id = ?")
        self._delete_entry = prepare("DELETE FROM {}.open_tasks USING TIMESTAMP ? WHERE $ AND saved_at = ? AND id = ?")
        self._read_task = prepare("SELECT body, WRITETIME(body) AS saved_at FROM {}.tasks WHERE $ AND id = ?")
        self._read_tasks = prepare("SELECT id, body, WRITETIME(body) AS saved_at FROM {}.tasks WHERE $ AND id IN ?")
        self._read_entries = prepare(
            "SELECT saved_at, id FROM {}.open_tasks WHERE $ AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?"
        )
        self._read_last_entry = prepare(
            "SELECT saved_at FROM {}.open_tasks WHERE $ AND saved_at > ? ORDER BY saved_at DESC LIMIT 1"
        )
        self._read_sweep = prepare("SELECT stretches FROM {}.sweeps WHERE $")
        self._read_clock = prepare("SELECT toUnixTimestamp(now()) AS now FROM system.local")

    def _shard(self, id: str) -> int:
        return shard_of(id, self._shards)

    def _place(self, envelope: TaskEnvelope) -> tuple[str, int]:
        return envelope.task_list, self._shard(envelope.id)


def _offset(clock: VersionClock) -> float:
    """The wall clock less the monotonic one, in microseconds: constant, unless the wall clock is set."""
    return clock.now() - time.monotonic() * SECOND
