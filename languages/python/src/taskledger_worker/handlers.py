"""What workers of both kinds share: handlers, what they are told, and what came of tasks."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, cast

from google.protobuf.message import DecodeError, Message

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import is_damaged, type_of
from .errors import Code, TaskError
from .store import Claim, Store

M = TypeVar("M", bound=Message)


ENDING: Final = (KeyboardInterrupt, SystemExit)
"""Raised by a handler, these end the worker. Anything else, other BaseExceptions included, fails only its task."""


@dataclass(frozen=True)
class Context:
    """What a handler is told beside the data."""

    envelope: TaskEnvelope
    """A copy: whatever a handler makes of it, its own task is completed."""
    claim: Claim | None = None
    """The claim under which it runs; None if the task was handed over."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the worker is stopped, and when the claim has been lost: a handler that takes long should look at it. Its `wait`
    would hold up an event loop."""

    def __post_init__(self) -> None:
        copy = TaskEnvelope()
        copy.CopyFrom(self.envelope)
        object.__setattr__(self, "envelope", copy)

    @property
    def attempt(self) -> int:
        return self.claim.attempt if self.claim else self.envelope.attempt


Handler = Callable[[M, Context], object]


class Completes(Protocol):
    """What a worker needs of a store to do tasks that it is handed."""

    def complete(self, envelope: TaskEnvelope) -> None: ...


class Result(str, Enum):
    """What came of a task."""

    COMPLETED = "completed"
    FAILED = "failed"
    """Its handler raised, or it could not be completed. It stays open."""
    PASSED_OVER = "passed over"
    """Nobody here can do it, another has it, or it was given up before. It stays open."""
    GIVEN_UP = "given up"
    """It has been tried as often as it may be: it is in the dead-letter list now or, without one, stays open."""


@dataclass
class Summary:
    """How many tasks came to what. `unread` are frames that hold no tasks."""

    completed: int = 0
    failed: int = 0
    passed_over: int = 0
    given_up: int = 0
    unread: int = 0

    def add(self, result: Result) -> None:
        if result is Result.COMPLETED:
            self.completed += 1
        elif result is Result.FAILED:
            self.failed += 1
        elif result is Result.GIVEN_UP:
            self.given_up += 1
        else:
            self.passed_over += 1


class Handlers:
    """The handlers of a worker, by the types that they are for."""

    def __init__(self, logger: logging.Logger) -> None:
        self._handlers: dict[str, tuple[type[Message], Callable[[Any, Context], object]]] = {}
        self._logger = logger
        self._unknown: set[str] = set()

    def add(self, message: type[Message], handler: Callable[[Any, Context], object]) -> None:
        name = message.DESCRIPTOR.full_name
        if name in self._handlers:
            raise TaskError(Code.DUPLICATE_TYPE, f"{name} has a handler already")
        self._handlers[name] = (message, handler)

    def find(self, envelope: TaskEnvelope) -> tuple[Message, Callable[[Any, Context], object]] | None:
        """The data and its handler; None, which is logged, if there is no handler or the data does not decode."""
        name = type_of(envelope)
        found = self._handlers.get(name)
        if found is None:
            self._note_unknown(name, envelope)
            return None
        message, handler = found
        try:
            return message.FromString(envelope.data.value), handler
        except DecodeError as error:
            self._logger.error("%s is passed over: its data is no %s: %s", name_of(envelope), name, error)
            return None

    def _note_unknown(self, name: str, envelope: TaskEnvelope) -> None:
        if is_damaged(envelope):
            self._logger.error("%s is passed over: its store holds bytes that are no task", name_of(envelope))
        elif name not in self._unknown:
            self._unknown.add(name)
            self._logger.warning("tasks of type %s are passed over: there is no handler for it", name)


class WorkerBase:
    """What both kinds of workers share."""

    def __init__(self, store: Completes, *, concurrency: int = 1, logger: logging.Logger | None = None) -> None:
        """`concurrency` is how many handlers run at once."""
        if concurrency < 1:
            raise TaskError(Code.INVALID_ARGUMENT, f"concurrency must be at least 1, and is {concurrency}")
        self._store = store
        self._concurrency = concurrency
        self._logger = logger or logging.getLogger("taskledger_worker")
        self._handlers = Handlers(self._logger)
        self._stopped = threading.Event()
        # What `stop` calls, too: it tells running handlers, and what waits.
        self._told: set[Callable[[], object]] = set()

    def stop(self) -> None:
        """Begins no more tasks, and sets `cancelled` for those that run. May be called from any thread, and from a signal
        handler. A worker that was stopped stays so.

        `Worker.run` notices only when its stream's `read` returns: a signal handler may raise SystemExit instead, which
        stops the worker, too."""
        self._stopped.set()
        for tell in list(self._told):
            tell()

    def _claiming_store(self) -> Store:
        return cast(Store, self._store)  # it fails at the first call that it lacks

    def _note_failure(self, envelope: TaskEnvelope, error: BaseException) -> Result:
        self._logger.error("%s failed; it stays open", name_of(envelope), exc_info=error)
        return Result.FAILED

    def _note_unread(self, frame: bytes, error: TaskError, summary: Summary) -> None:
        summary.unread += 1
        self._logger.error("a frame of %d bytes can't be read: %s", len(frame), error)


def check_is_done(result: object, envelope: TaskEnvelope) -> None:
    """Raises INVALID_ARGUMENT for a handler's result that shows that its work has not been done: a coroutine that nobody
    awaits, or a generator that nobody goes through."""
    if not (inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result)):
        return
    close = getattr(result, "close", None)
    if close:
        close()
    reason = f"its handler returned a {type(result).__name__}, whose work nobody does"
    hint = "coroutine functions need an AsyncWorker, and what they call, an await"
    raise TaskError(Code.INVALID_ARGUMENT, f"{name_of(envelope)} is not done: {reason}; {hint}")


def name_of(envelope: TaskEnvelope) -> str:
    return f"task {envelope.id!r} of {envelope.task_list!r}"
