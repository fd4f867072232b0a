"""Tasks in an SQLite file that the TypeScript package made, by the rules of docs/protocol.md."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from taskledger.v1.envelope_pb2 import TaskEnvelope

from . import claim_rules
from .claim_rules import ClaimRequest
from .clock import VersionClock
from .envelope import MAX_VERSION, encode_body, saved_version, set_version, stored_task, type_of, version_of
from .errors import Code, Outcome, TaskError
from .store import Claim, ClaimState, Task, new_owner

APPLICATION_ID: Final = 0x746B6C67
LAYOUT: Final = 1
# Older ones may damage a file if they copy the log into it while another connection commits.
_CHECKPOINTS_SAFELY: Final = (3, 51, 3)
PAGE_ROWS: Final = 500
PAGE_BYTES: Final = 4 * 1024 * 1024

_SAVE: Final = """INSERT INTO tasks (list, saved_at, id, type, saved_time, body) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (list, id) DO UPDATE SET
  saved_at = excluded.saved_at, type = excluded.type, saved_time = excluded.saved_time, body = excluded.body"""
_LIST: Final = """SELECT id, saved_at, body FROM tasks
  WHERE list = :list AND saved_at > :after AND saved_at <= :last AND
    (coalesce(saved_time, saved_at) < :before OR coalesce(saved_time, saved_at) > :horizon)
  ORDER BY saved_at LIMIT :rows"""

# SQLite's least integer: before all versions, also those that no clock can have made.
_LEAST: Final = -(2**63)

T = TypeVar("T")


class SqliteStore:
    """The open tasks of one SQLite file, which any number of processes of this host may have open. A `Store`.

    Each process opens it for itself: in one that was forked later, calls raise CLOSED.

    >>> with SqliteStore("ledger.db") as store:
    ...     for envelope in store.open_tasks("acme.com"): ...
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: VersionClock | None = None, deadline: float = 10.0) -> None:
        """Opens a file that is there. A write waits for other processes for up to `deadline` seconds.

        Raises UNAVAILABLE, and SCHEMA_MISMATCH if the file is another program's, or of another layout.
        """
        self.clock: Final = clock or VersionClock()
        self._path = os.fspath(path)
        self._real = Path(self._path).resolve()
        self._deadline = deadline
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._database: sqlite3.Connection | None = None
        if not self._real.is_file():
            raise TaskError(Code.UNAVAILABLE, f"{self._path}: there is no such file; the TypeScript package makes it")
        self._database = self._call(self._open)
        self._files = [(each, _identity(each)) for each in self._paths()]

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file. Later calls raise CLOSED."""
        if os.getpid() != self._process:
            return  # it is another's
        with self._lock:
            if self._database:
                self._database.close()
            self._database = None

    def save(self, task: Task) -> None:
        envelope = TaskEnvelope()
        envelope.CopyFrom(task.envelope)
        body = encode_body(envelope, task.limit)
        replaced = max([version_of(envelope) or 0, *task.replaced])
        version = self._write(lambda transaction: transaction.save(envelope, body, replaced))
        self.clock.observe(version)
        set_version(envelope, version)
        task.envelope, task.replaced = envelope, []

    def complete(self, envelope: TaskEnvelope) -> None:
        version = saved_version(envelope)
        self.clock.observe(version)
        sql = "DELETE FROM tasks WHERE list = ? AND id = ? AND saved_at <= ?"
        self._write(lambda transaction: transaction.run(sql, envelope.task_list, envelope.id, version))

    def find(self, task_list: str, id: str) -> TaskEnvelope | None:
        sql = "SELECT id, saved_at, body FROM tasks WHERE list = ? AND id = ?"
        row = self._read(lambda database: database.execute(sql, (task_list, id)).fetchone())
        return self._meet(task_list, *row) if row else None

    def open_tasks(self, task_list: str, *, older_than: float = 0) -> Iterator[TaskEnvelope]:
        horizon = self.clock.horizon()
        before = self.clock.now() - int(older_than * 1_000_000) if older_than > 0 else MAX_VERSION + 1
        last_sql = "SELECT coalesce(max(saved_at), 0) FROM tasks WHERE list = ?"
        last = self._read(lambda database: database.execute(last_sql, (task_list,)).fetchone()[0])
        range_ = {"list": task_list, "after": _LEAST, "last": last, "before": before, "horizon": horizon, "rows": PAGE_ROWS}
        while page := self._read(lambda database: _read_page(database, range_)):
            for row in page:
                yield self._meet(task_list, *row)
            range_["after"] = page[-1][1]

    def claim(self, envelope: TaskEnvelope, *, owner: str | None = None, lease: float = 60) -> Claim | None:
        version = saved_version(envelope)
        request = ClaimRequest(envelope.task_list, envelope.id, version, owner or new_owner(), lease)
        state = self._write(lambda transaction: transaction.claim(request))
        return claim_rules.to_claim(request, state) if state else None

    def renew(self, claim: Claim, lease: float = 60) -> Claim:
        claim_rules.check_lease(lease)
        state = self._write(
            lambda transaction: transaction.change(claim, lambda held, now: claim_rules.renewed(held, lease, now))
        )
        if state is None:
            raise claim_rules.lost(claim)
        return Claim(**{**claim.__dict__, "until": state.until})

    def release(self, claim: Claim, *, retry_in: float = 0) -> None:
        self._write(lambda transaction: transaction.change(claim, lambda held, now: claim_rules.released(held, retry_in, now)))

    def forget(self, claim: Claim) -> None:
        """Nothing: completing has done so."""

    def claim_state(self, task_list: str, id: str) -> ClaimState | None:
        return self._read(lambda database: _claim_state(database, task_list, id))

    def _meet(self, task_list: str, id: str, version: int, body: bytes) -> TaskEnvelope:
        self.clock.observe(version)
        return stored_task(task_list, id, version, body)

    def _open(self) -> sqlite3.Connection:
        uri = f"{self._real.as_uri()}?mode=rw"
        database = sqlite3.connect(uri, uri=True, timeout=self._deadline, isolation_level=None, check_same_thread=False)
        # A row whose list or id is no UTF-8 must not keep the others from being read.
        database.text_factory = lambda text: text.decode(errors="replace")
        try:
            # Together: another process may be making the tables.
            database.execute("BEGIN")
            names = ("application_id", "user_version")
            found = tuple(database.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
            database.execute("COMMIT")
            if found != (APPLICATION_ID, LAYOUT):
                reason = f"is not a ledger of layout {LAYOUT}: another program or another version made it"
                raise TaskError(Code.SCHEMA_MISMATCH, f"{self._path} {reason}")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA fullfsync = ON")
            if sqlite3.sqlite_version_info < _CHECKPOINTS_SAFELY:
                database.execute("PRAGMA wal_autocheckpoint = 0")
            # A statement puts -wal and -shm in their places; from here on the lock is waited for by us.
            database.execute("SELECT count(*) FROM ledger").fetchone()
            database.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            database.close()
            raise
        return database

    def _paths(self) -> list[str]:
        return [self._path, *(f"{self._real}{suffix}" for suffix in ("", "-wal", "-shm"))]

    def _check_files(self, outcome: Outcome = "not-applied") -> None:
        """SQLite goes on with a file that was moved or replaced, and what it writes there is lost."""
        for path, identity in self._files:
            if _identity(path) != identity:
                reason = "was moved, removed or replaced while it was open; put it back, or open the store again"
                raise TaskError(Code.UNAVAILABLE, f"{path} {reason}", outcome)

    def _entered(self) -> threading.Lock:
        """What a call holds. In a process that was forked it may never be released, and SQLite's locks are not there."""
        if os.getpid() != self._process:
            reason = "was opened before this process was forked; open it here, too"
            raise TaskError(Code.CLOSED, f"{self._path} {reason}")
        return self._lock

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        with self._entered():
            return self._call(lambda: read(self._wait_for(self._checked)))

    def _write(self, write: Callable[[_Transaction], T]) -> T:
        """Runs one transaction. What could not be flushed may be on the disk all the same."""
        with self._entered():
            database = self._checked()
            is_committing = False
            try:
                # In here: after a KeyboardInterrupt that comes with it, the transaction must not stay open.
                self._wait_for(self._begin)
                result = write(_Transaction(database, self.clock))
                is_committing = True
                database.execute("COMMIT")
            except BaseException as error:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                is_unknown = is_committing and getattr(error, "sqlite_errorname", "SQLITE_IOERR").startswith("SQLITE_IOERR")
                raise self._error_of(error, "unknown" if is_unknown else "not-applied") from error
            self._check_files("unknown")
            return result

    def _checked(self) -> sqlite3.Connection:
        if self._database is None:
            raise TaskError(Code.CLOSED, f"{self._path} has been closed")
        self._check_files()
        return self._database

    def _begin(self) -> None:
        self._checked().execute("BEGIN IMMEDIATE")

    def _wait_for(self, act: Callable[[], T]) -> T:
        """Tries until no other process stands in the way. Holds up only this thread."""
        end = time.monotonic() + self._deadline
        while True:
            try:
                return act()
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > end:
                    raise
                time.sleep(0.0002 + random.random() / 1000)

    def _call(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except sqlite3.Error as error:
            raise self._error_of(error, "not-applied") from error

    def _error_of(self, error: BaseException, outcome: Outcome) -> BaseException:
        if isinstance(error, sqlite3.Error):
            return TaskError(Code.UNAVAILABLE, f"{self._path}: {error}", outcome)
        return error


class _Transaction:
    """An open transaction, which gives each save its version, and each claim its token, from the same counter."""

    def __init__(self, database: sqlite3.Connection, clock: VersionClock) -> None:
        self._database = database
        self._clock = clock
        # Later than all that this process has made or met, in whichever store.
        self._floor = clock.next()
        self._latest, self._ahead_until = database.execute("SELECT latest, ahead_until FROM ledger").fetchone()

    def run(self, sql: str, *values: Any) -> None:
        self._database.execute(sql, values)

    def save(self, envelope: TaskEnvelope, body: bytes, replaced: int) -> int:
        horizon = self._clock.horizon()
        if replaced > self._latest and replaced > horizon:
            reason = f"the save replaces version {replaced}, which this store did not give and which lies ahead of the clock"
            raise TaskError(Code.CLOCK_SKEW, reason)
        version = self._next(replaced)
        is_ahead = version > horizon
        if is_ahead:
            self._ahead_until = version
        saved_time = self._clock.now() if is_ahead else None
        self.run(_SAVE, envelope.task_list, version, envelope.id, type_of(envelope), saved_time, body)
        self._keep_latest()
        return version

    def claim(self, request: ClaimRequest) -> ClaimState | None:
        sql = "SELECT saved_at FROM tasks WHERE list = ? AND id = ?"
        row = self._database.execute(sql, (request.task_list, request.id)).fetchone()
        if row is None or row[0] != request.saved_at:
            return None
        previous = _claim_state(self._database, request.task_list, request.id)
        state = claim_rules.grant(previous, request, self._now(), 0, self._next)
        if state:
            self._put(request.task_list, request.id, state)
            self._keep_latest()
        return state

    def change(self, claim: Claim, change: Callable[[ClaimState, int], ClaimState]) -> ClaimState | None:
        """Changes a claim that is still held; None if it is not."""
        held = _claim_state(self._database, claim.task_list, claim.id)
        if held is None or held.owner is None or held.token != claim.token:
            return None
        state = change(held, self._now())
        self._put(claim.task_list, claim.id, state)
        return state

    def _next(self, after: int) -> int:
        if max(self._latest, after) >= MAX_VERSION:
            raise TaskError(Code.CLOCK_SKEW, "a version lies past the year 9999: a clock is wrong")
        self._latest = max(self._floor, self._latest + 1, after + 1)
        return int(self._latest)

    def _keep_latest(self) -> None:
        self.run("UPDATE ledger SET latest = ?, ahead_until = ?", self._latest, self._ahead_until)

    def _now(self) -> int:
        return self._clock.now() // 1000

    def _put(self, task_list: str, id: str, state: ClaimState) -> None:
        sql = "REPLACE INTO claims (list, id, saved_at, owner, token, attempt, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self.run(sql, task_list, id, state.saved_at, state.owner, state.token, state.attempt, state.until)


def _claim_state(database: sqlite3.Connection, task_list: str, id: str) -> ClaimState | None:
    sql = "SELECT saved_at, owner, token, attempt, ends_at FROM claims WHERE list = ? AND id = ?"
    row = database.execute(sql, (task_list, id)).fetchone()
    return ClaimState(*row) if row else None


def _read_page(database: sqlite3.Connection, range_: dict[str, Any]) -> list[tuple[str, int, bytes]]:
    """The next rows, bounded in number and bytes; one alone may have more."""
    page: list[tuple[str, int, bytes]] = []
    left = PAGE_BYTES
    cursor = database.execute(_LIST, range_)
    try:
        for row in cursor:
            left -= len(row[2])
            if left < 0 and page:
                break
            page.append(row)
    finally:
        cursor.close()  # nothing is held between two pages
    return page


def _identity(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    try:
        stats = os.stat(path)
    except OSError:
        return None
    return stats.st_dev, stats.st_ino


def _is_busy(error: sqlite3.OperationalError) -> bool:
    # Python 3.10 gives no number.
    return "locked" in str(error)
