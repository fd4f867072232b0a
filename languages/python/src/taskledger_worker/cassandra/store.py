"""The open tasks of one keyspace."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from cassandra import ConsistencyLevel

from taskledger.v1.envelope_pb2 import TaskEnvelope

from ..clock import VersionClock
from ..envelope import encode_body, saved_version, set_version, stored_task, version_of
from ..errors import Code, TaskError
from ..store import Claim, ClaimState, Task
from .claims import CassandraClaims
from .clock_guard import ClockGuard
from .list_names import BUCKETS, ListNames
from .listing import Entry, Pass, Range, Starts
from .session import RetryingSession, Statement
from .settings import read_settings, read_values
from .settings_guard import SettingsGuard

_LATE_SAVES: Final = 3
_IDS_A_READ: Final = 256
_SHARDS_A_READ: Final = 16
_PARTITION: Final = "task_list = ? AND shard = ?"


def shard_of(id: str, shards: int) -> int:
    """The shard of an id, as every client reckons it."""
    product = zlib.crc32(id.encode()) * 0x9E3779B1 & 0xFFFF_FFFF
    return (product >> 16) % shards


class CassandraStore:
    """The open tasks of one keyspace. A `Store`.

    >>> cluster = Cluster(["10.0.0.1"], load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy("dc1")))
    >>> store = CassandraStore(cluster.connect(), "tasks", data_center="dc1")
    >>> for envelope in store.open_tasks("acme.com"): ...
    """

    def __init__(
        self,
        session: Any,
        keyspace: str,
        data_center: str,
        *,
        clock: VersionClock | None = None,
        deadline: float = 10.0,
        attempt_timeout: float = 3.0,
    ) -> None:
        """Reads the settings. `session` is cassandra-driver's, and stays the caller's; the times are in seconds.

        Raises SCHEMA_MISMATCH, which says what of the keyspace this client can't work with.
        """
        self.clock: Final = clock or VersionClock()
        self._session = RetryingSession(session, deadline, attempt_timeout)
        self._settings = read_settings(self._session, keyspace, data_center, self.clock.limit)
        if self._settings.has_several_data_centers:
            self._session.consistency = ConsistencyLevel.QUORUM
        self._prepare(keyspace)
        # A look is one attempt: no call waits for it as long as for its own answer.
        looking = RetryingSession(session, attempt_timeout, attempt_timeout)
        looking.consistency = self._session.consistency
        limit = self.clock.limit
        self._watch = SettingsGuard(self._settings, lambda: read_values(looking, keyspace, data_center, limit))
        self._session.check = self._watch.check
        self._guard = ClockGuard(self.clock, self._read_server_clock)
        self._lists = ListNames(self.clock.now, self._write_list_name)
        self._claims = CassandraClaims(self._session, keyspace, self.clock, self._guard, self._version_of)

    def save(self, task: Task) -> None:
        version = version_of(task.envelope)
        replaced = ([] if version is None else [version]) + task.replaced
        body = encode_body(task.envelope, task.limit)
        for attempt in range(_LATE_SAVES):
            try:
                version = self._save_once(task, body, replaced)
            except TaskError as error:
                if attempt > 0:
                    error.outcome = "unknown"  # the late one was applied
                raise
            if self.clock.now() - version < self._settings.grace_period // 2:
                task.replaced = replaced
                self._lists.note(task.envelope.task_list)
                task.replaced = []
                self._remove_replaced(task.envelope, replaced)
                return
            # The process was stopped meanwhile: a sweep may have passed.
            task.replaced = replaced
            replaced = [version, *replaced]
        raise TaskError(Code.TIMEOUT, "the answers came too late to count", "unknown")

    def _save_once(self, task: Task, body: bytes, replaced: list[int]) -> int:
        self._guard.check()
        version = self.clock.next(max(replaced, default=0))
        envelope = TaskEnvelope()
        envelope.CopyFrom(task.envelope)
        set_version(envelope, version)
        place = self._place(envelope)
        try:
            self._session.write(
                [
                    (self._put_task, (*place, envelope.id, body, version)),
                    (self._put_entry, (*place, version, envelope.id, len(body), version)),
                ]
            )
        except TaskError as error:
            if error.outcome == "unknown":
                task.envelope, task.replaced = envelope, replaced
            raise
        task.envelope = envelope
        return version

    def _write_list_name(self, task_list: str, at: int) -> None:
        self._session.write([(self._put_list_name, (shard_of(task_list, BUCKETS), task_list, at, at))])

    def complete(self, envelope: TaskEnvelope) -> None:
        version = saved_version(envelope)
        self.clock.observe(version)
        place = self._place(envelope)
        delete_task = (self._delete_task, (version, *place, envelope.id))
        self._session.write([delete_task, self._entry_removal(place, envelope.id, version)])

    def find(self, task_list: str, id: str) -> TaskEnvelope | None:
        return self._read_tasks(task_list, {self._shard(id): [id]}).get(id)

    def open_tasks(self, task_list: str, *, older_than: float = 0) -> Iterator[TaskEnvelope]:
        now = self.clock.now()
        before = now - int(older_than * 1_000_000) if older_than > 0 else None
        reads = _ListReads(self, task_list)
        return Pass(reads, self._settings.shards, now, self.clock.limit, before).run()

    def claim(self, envelope: TaskEnvelope, *, owner: str | None = None, lease: float = 60) -> Claim | None:
        return self._claims.claim(envelope, owner, lease)

    def renew(self, claim: Claim, lease: float = 60) -> Claim:
        return replace(claim, until=self._claims.renew(claim, lease))

    def release(self, claim: Claim, *, retry_in: float = 0) -> None:
        self._claims.release(claim, retry_in)

    def forget(self, claim: Claim) -> None:
        self._claims.forget(claim)

    def claim_state(self, task_list: str, id: str) -> ClaimState | None:
        return self._claims.state(task_list, id)

    def _version_of(self, task_list: str, id: str) -> int | None:
        envelope = self.find(task_list, id)
        return version_of(envelope) if envelope else None

    def _remove_replaced(self, envelope: TaskEnvelope, replaced: Sequence[int]) -> None:
        """What is left of them leads nowhere; another may remove it as well."""
        place = self._place(envelope)
        for version in replaced:
            try:
                self._session.write([self._entry_removal(place, envelope.id, version)])
            except TaskError:
                return

    def _entry_removal(self, place: tuple[str, int], id: str, version: int) -> Statement:
        return self._delete_entry, (version, *place, version, id)

    def _read_tasks(self, task_list: str, ids: dict[int, list[str]]) -> dict[str, TaskEnvelope]:
        """The open tasks among some of each shard. What is saved from now on is later than they are."""
        reads = [
            (self._read_rows, (task_list, shard, all_[start : start + _IDS_A_READ]))
            for shard, all_ in ids.items()
            for start in range(0, len(all_), _IDS_A_READ)
        ]
        found = {}
        for rows in self._session.read_many(reads):
            for id, body, version in rows:
                if body is not None:
                    self.clock.observe(version)
                    found[id] = stored_task(task_list, id, version, body)
        return found

    def _read_server_clock(self) -> int:
        self._watch.suspect()  # when the clocks are compared, the settings are
        return int(self._session.read(self._read_clock, ())[0][0]) * 1000

    def _prepare(self, keyspace: str) -> None:
        def prepare(query: str) -> Any:
            return self._session.prepare(query.replace("{}", f'"{keyspace}"').replace("$", _PARTITION))

        self._put_task = prepare("INSERT INTO {}.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?")
        self._put_entry = prepare(
            "INSERT INTO {}.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
        self._put_list_name = prepare("INSERT INTO {}.lists (bucket, task_list, noted_at) VALUES (?, ?, ?) USING TIMESTAMP ?")
        self._delete_task = prepare("DELETE FROM {}.tasks USING TIMESTAMP ? WHERE $ AND id = ?")
        self._delete_entry = prepare("DELETE FROM {}.open_tasks USING TIMESTAMP ? WHERE $ AND saved_at = ? AND id = ?")
        self._read_rows = prepare("SELECT id, body, WRITETIME(body) FROM {}.tasks WHERE $ AND id IN ?")
        self.read_entries = prepare(
            "SELECT saved_at, id, size FROM {}.open_tasks WHERE $ AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?"
        )
        self.read_last_entry = prepare(
            "SELECT shard, saved_at FROM {}.open_tasks WHERE $ AND saved_at > ? ORDER BY saved_at DESC LIMIT 1"
        )
        self.read_shards_past = prepare(
            "SELECT shard FROM {}.open_tasks WHERE task_list = ? AND shard IN ? AND saved_at > ? PER PARTITION LIMIT 1"
        )
        self.read_sweeps = prepare("SELECT shard, ranges FROM {}.sweeps WHERE task_list = ? AND shard IN ?")
        self._read_clock = prepare("SELECT toUnixTimestamp(now()) FROM system.local")

    def _shard(self, id: str) -> int:
        return shard_of(id, self._settings.shards)

    def _place(self, envelope: TaskEnvelope) -> tuple[str, int]:
        return envelope.task_list, self._shard(envelope.id)


class _ListReads:
    """What a pass over a list reads."""

    def __init__(self, store: CassandraStore, task_list: str) -> None:
        self._store = store
        self._session = store._session
        self._task_list = task_list

    def starts(self, bound: int) -> Starts:
        """Each query covers several shards, since most of them have neither."""
        shards = range(self._store._settings.shards)
        groups = [list(shards[first : first + _SHARDS_A_READ]) for first in range(0, len(shards), _SHARDS_A_READ)]
        reads: list[Statement] = [(self._store.read_sweeps, (self._task_list, some)) for some in groups]
        reads += [(self._store.read_shards_past, (self._task_list, some, bound)) for some in groups]
        found = self._session.read_many(reads)
        swept = {shard: list(ranges or []) for rows in found[: len(groups)] for shard, ranges in rows}
        past = [shard for rows in found[len(groups) :] for (shard,) in rows]
        last = self._session.read_many([(self._store.read_last_entry, (self._task_list, shard, bound)) for shard in past])
        return Starts(swept, {shard: saved_at for rows in last for shard, saved_at in rows})

    def entries(self, ranges: Sequence[Range]) -> list[list[Entry]]:
        reads = [
            (self._store.read_entries, (self._task_list, each.shard, *each.after, each.up_to, each.limit)) for each in ranges
        ]
        return [[Entry(*row) for row in rows] for rows in self._session.read_many(reads, is_range=True)]

    def tasks(self, ids: dict[int, list[str]]) -> dict[str, TaskEnvelope]:
        return self._store._read_tasks(self._task_list, ids)
