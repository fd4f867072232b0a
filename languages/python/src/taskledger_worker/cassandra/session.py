"""The driver's session as this package uses it: idempotent statements, tried until a deadline, and errors with codes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from cassandra import (
    ConsistencyLevel,
    DriverException,
    OperationTimedOut,
    ReadFailure,
    ReadTimeout,
    RequestExecutionException,
    RequestValidationException,
    Unavailable,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.policies import FallthroughRetryPolicy
from cassandra.protocol import (
    ErrorMessage,
    IsBootstrappingErrorMessage,
    OverloadedErrorMessage,
    ServerError,
    TruncateError,
)
from cassandra.query import BatchStatement, BatchType, SimpleStatement

from ..errors import Code, Outcome, TaskError

# Reads that are under way at once.
WINDOW: Final = 64

# What the driver raises has no common class.
_DriverError: Final = (DriverException, NoHostAvailable, ErrorMessage, ConnectionException)
_PASSING: Final = (
    RequestExecutionException,
    OperationTimedOut,
    ConnectionException,
    OverloadedErrorMessage,
    IsBootstrappingErrorMessage,
    ServerError,
    TruncateError,
)

Row = tuple[Any, ...]
Statement = tuple[Any, Sequence[Any]]
T = TypeVar("T")


class TooManyTombstones(TaskError):
    """A read of a range met more of them than the server allows: a part of the range may be read."""


class RetryingSession:
    """Reads and writes until an attempt succeeds or the deadline has passed. Rows come as tuples."""

    def __init__(self, session: Any, deadline: float, attempt_timeout: float) -> None:
        """`session` is the driver's; the times are in seconds."""
        self._session = session
        self._deadline = deadline
        self._attempt_timeout = attempt_timeout
        self._retry_policy = FallthroughRetryPolicy()
        self.consistency = ConsistencyLevel.LOCAL_QUORUM
        # Before each call; what it raises is raised instead.
        self.check: Callable[[], None] = lambda: None

    def prepare(self, query: str, *, is_idempotent: bool = True) -> Any:
        """A prepared statement at the keyspace's consistency."""
        statement = self._attempts(lambda _: self._session.prepare(query))
        statement.consistency_level = self.consistency
        statement.is_idempotent = is_idempotent
        statement.retry_policy = self._retry_policy
        if not is_idempotent:
            is_local = self.consistency == ConsistencyLevel.LOCAL_QUORUM
            statement.serial_consistency_level = ConsistencyLevel.LOCAL_SERIAL if is_local else ConsistencyLevel.SERIAL
        return statement

    def query(self, query: str, *values: Any) -> list[Row]:
        """Reads by a statement that is not prepared, its values in the place of %s."""
        statement = SimpleStatement(query, consistency_level=self.consistency, is_idempotent=True)
        return self.read(statement, values)

    def read(self, statement: Any, values: Sequence[Any], *, is_range: bool = False) -> list[Row]:
        """All rows. Raises TooManyTombstones for a range that can't be read at once."""
        return self._attempts(lambda timeout: self._execute(statement, values, timeout), is_range=is_range)

    def read_many(self, reads: Sequence[Statement], *, is_range: bool = False) -> list[list[Row]]:
        """Reads at once, in the order in which they are given; each that fails is tried again by itself."""
        self.check()
        results: list[list[Row]] = []
        for start in range(0, len(reads), WINDOW):
            some = reads[start : start + WINDOW]
            futures = [self._start(statement, values) for statement, values in some]
            for future, (statement, values) in zip(futures, some):
                rows = self._finish(future)
                results.append(self.read(statement, values, is_range=is_range) if rows is None else rows)
        return results

    def write(self, statements: Iterable[Statement]) -> None:
        """One batch, which is one mutation: sent again, as it is, until the deadline."""
        batch = BatchStatement(BatchType.LOGGED, self._retry_policy, self.consistency)
        batch.is_idempotent = True
        for statement, values in statements:
            batch.add(statement, values)
        self._attempts(lambda timeout: self._execute(batch, None, timeout), is_write=True)

    def transact(self, statement: Any, values: Sequence[Any], *, may_repeat: bool) -> dict[str, Any]:
        """A lightweight transaction: its answer by the names of the columns, whether it was applied as `[applied]`.

        It is sent once if it may have been applied, unless to repeat it does the same.
        """

        def attempt(timeout: float) -> dict[str, Any]:
            result = self._session.execute(statement, values, timeout=timeout)
            names = result.column_names
            return dict(zip(names, _rows_of(result)[0]))

        return self._attempts(attempt, is_write=True, may_repeat=may_repeat)

    def _start(self, statement: Any, values: Sequence[Any]) -> Any:
        self._check_open()
        try:
            return self._session.execute_async(statement, values, timeout=self._attempt_timeout)
        except _DriverError:
            return None

    def _finish(self, future: Any) -> list[Row] | None:
        """None if it failed: it is tried again."""
        try:
            return None if future is None else _rows_of(future.result())
        except _DriverError:
            return None

    def _execute(self, statement: Any, values: Sequence[Any] | None, timeout: float) -> list[Row]:
        return _rows_of(self._session.execute(statement, values, timeout=timeout))

    def _attempts(
        self,
        attempt: Callable[[float], T],
        *,
        is_write: bool = False,
        may_repeat: bool = True,
        is_range: bool = False,
    ) -> T:
        self.check()
        end = time.monotonic() + self._deadline
        may_apply = False
        for count in range(1_000_000):
            self._check_open()
            try:
                return attempt(max(0.001, min(self._attempt_timeout, end - time.monotonic())))
            except _DriverError as error:
                if is_range and isinstance(error, ReadFailure) and _is_tombstones(error):
                    raise TooManyTombstones(Code.UNAVAILABLE, f"Cassandra: {error}") from error
                may_apply |= is_write and _may_apply(error)
                pause = random.random() * min(1.0, 0.025 * 2**count)
                is_last = not _is_retried(error) or (may_apply and not may_repeat)
                if is_last or time.monotonic() + pause >= end:
                    self._check_open()
                    raise _error_of(error, "unknown" if may_apply else "not-applied") from error
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _check_open(self) -> None:
        if getattr(self._session, "is_shutdown", False):
            raise TaskError(Code.CLOSED, "the driver's session has been shut down")


def _rows_of(result: Any) -> list[Row]:
    """Whatever row factory the session has: named tuples, tuples, or dictionaries, each in the order of the columns."""
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in result]


def _is_retried(error: Exception) -> bool:
    if isinstance(error, NoHostAvailable):
        return not any(isinstance(inner, RequestValidationException) for inner in _inner(error))
    return isinstance(error, _PASSING)


def _is_tombstones(error: ReadFailure) -> bool:
    """Version 5 of the protocol tells the reason (1), version 4 only that replicas have failed."""
    reasons = error.error_code_map
    return not reasons or 1 in reasons.values()


def _may_apply(error: Exception) -> bool:
    if isinstance(error, NoHostAvailable):
        return any(map(_may_apply, _inner(error)))
    return not isinstance(error, (Unavailable, RequestValidationException, IsBootstrappingErrorMessage))


def _inner(error: NoHostAvailable) -> list[Exception]:
    """What each host that was tried gave; nothing where none was tried."""
    errors = error.errors.values() if isinstance(error.errors, dict) else error.errors or []
    return [each for each in errors if isinstance(each, Exception)]


def _error_of(error: Exception, outcome: Outcome) -> TaskError:
    return TaskError(_code_of(error), f"Cassandra: {str(error).splitlines()[0] if str(error) else error!r}", outcome)


def _code_of(error: Exception) -> Code:
    if isinstance(error, (OperationTimedOut, ReadTimeout, WriteTimeout)):
        return Code.TIMEOUT
    if isinstance(error, OverloadedErrorMessage):
        return Code.OVERLOADED
    if isinstance(error, NoHostAvailable):
        return next(map(_code_of, _inner(error)), Code.UNAVAILABLE)
    return _code_of_refusal(str(error).lower()) if isinstance(error, RequestValidationException) else Code.UNAVAILABLE


def _code_of_refusal(text: str) -> Code:
    if any(words in text for words in ("unconfigured table", "does not exist", "undefined column")):
        return Code.SCHEMA_MISMATCH
    return Code.TOO_LARGE if "too large" in text or "max_mutation_size" in text else Code.UNAVAILABLE
