"""Does tasks, each by the handler of its type, and completes those that were done."""

from __future__ import annotations

import inspect
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import is_damaged, saved_version, type_of
from .errors import Code, TaskError
from .frames import MAX_FRAME_BYTES, ReadableStream, read_frames, tasks_of
from .store import Claim, Store, new_owner

_RENEWALS_A_LEASE: Final = 3

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Context:
    """What a handler is told beside the data."""

    envelope: TaskEnvelope
    claim: Claim | None = None
    """The claim under which it runs; None if the task was handed over."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the worker is stopped, and when the claim has been lost: a handler that takes long should look at it."""

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
    """Nobody here can do it, or another has it. It stays open."""


@dataclass
class Summary:
    """How many tasks came to what. `unread` are frames that hold no tasks."""

    completed: int = 0
    failed: int = 0
    passed_over: int = 0
    unread: int = 0

    def add(self, result: Result) -> None:
        if result is Result.COMPLETED:
            self.completed += 1
        elif result is Result.FAILED:
            self.failed += 1
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


class Worker:
    """Does tasks in threads.

    >>> worker = Worker(store, concurrency=4)
    >>> @worker.does(FetchFile)
    ... def fetch(file: FetchFile, context: Context) -> None: ...
    >>> worker.run(sys.stdin.buffer)       # what is handed over, as frames
    >>> worker.recover("acme.com")         # what others left
    """

    def __init__(self, store: Completes, *, concurrency: int = 1, logger: logging.Logger | None = None) -> None:
        """`concurrency` is how many handlers run at once."""
        if concurrency < 1:
            raise TaskError(Code.INVALID_ARGUMENT, f"concurrency must be at least 1, and is {concurrency}")
        self._store = store
        self._concurrency = concurrency
        self._logger = logger or logging.getLogger("taskledger_worker")
        self._handlers = Handlers(self._logger)
        self._stopped = threading.Event()
        self._running: set[threading.Event] = set()

    def does(self, message: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Gives the tasks of a type to a function. What that raises leaves the task open, to be done again.

        Raises INVALID_ARGUMENT for a coroutine function, which is for an `AsyncWorker`, and DUPLICATE_TYPE.
        """

        def register(handler: Handler[M]) -> Handler[M]:
            if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
                raise TaskError(Code.INVALID_ARGUMENT, f"{handler!r} is a coroutine function: use an AsyncWorker")
            self._handlers.add(message, handler)
            return handler

        return register

    def stop(self) -> None:
        """Begins no more tasks, and sets `cancelled` for those that run. May be called from a signal handler."""
        self._stopped.set()
        for cancelled in list(self._running):
            cancelled.set()

    def run(self, stream: ReadableStream, *, limit: int = MAX_FRAME_BYTES) -> Summary:
        """Does the tasks of a stream of frames, envelopes or batches, up to its end.

        A task that fails, is of an unknown type, or was never saved, and a frame that can't be read, are logged and
        counted, and keep nobody else from being done. Raises TRUNCATED and TOO_LARGE, after what came before is done.
        """
        summary = Summary()
        self._do_all(self._tasks_of(read_frames(stream, limit), summary), self._try, summary)
        return summary

    def do(self, envelope: TaskEnvelope) -> bool:
        """Does a task and completes it; False if nobody here can. Raises NOT_SAVED, what the handler raises, and what
        the store raises when the task is completed."""
        return self._do(envelope, Context(envelope, cancelled=self._stopped))

    def recover(
        self,
        task_list: str,
        *,
        older_than: float = 60,
        lease: float = 60,
        max_attempts: int | None = None,
        backoff: tuple[float, float] = (1, 600),
        every: float | None = None,
        owner: str | None = None,
    ) -> Summary:
        """Does the open tasks of a list, each under a claim that is renewed meanwhile, so that no two workers do one
        at the same time. Needs a `Store`.

        Only those that were saved `older_than` seconds ago. One that fails may be claimed again after a random part of
        a delay that doubles with each attempt, from the first to the second value of `backoff`, in seconds; one with
        `max_attempts` is passed over. With `every`, goes over the list again so many seconds after each pass, until
        the worker is stopped; errors of the store that may pass are then logged. Without it, they are raised.
        """
        options = _Recovery(lease, max_attempts, backoff, owner or new_owner())
        summary = Summary()
        while not self._stopped.is_set():
            try:
                open_tasks = self._claiming_store().open_tasks(task_list, older_than=older_than)
                self._do_all(open_tasks, lambda envelope: self._perform(envelope, options), summary)
            except TaskError as error:
                if every is None or error.code not in _PASSING:
                    raise
                self._logger.warning("list %r could not be read: %s", task_list, error)
            if every is None or self._stopped.wait(every):
                break
        return summary

    def perform(
        self,
        envelope: TaskEnvelope,
        *,
        lease: float = 60,
        max_attempts: int | None = None,
        backoff: tuple[float, float] = (1, 600),
        owner: str | None = None,
    ) -> Result:
        """Does one task under a claim, as `recover` does each. Raises what the store raises."""
        return self._perform(envelope, _Recovery(lease, max_attempts, backoff, owner or new_owner()))

    def _do(self, envelope: TaskEnvelope, context: Context) -> bool:
        saved_version(envelope)
        found = self._handlers.find(envelope)
        if found is None:
            return False
        data, handler = found
        result = handler(data, context)
        if inspect.isawaitable(result) or inspect.isasyncgen(result):
            close = getattr(result, "close", None)
            if close:
                close()
            reason = "its handler gave something to be awaited, which nobody does here: use an AsyncWorker"
            raise TaskError(Code.INVALID_ARGUMENT, f"{name_of(envelope)} is not done: {reason}")
        self._store.complete(envelope)
        return True

    def _try(self, envelope: TaskEnvelope) -> Result:
        try:
            return Result.COMPLETED if self.do(envelope) else Result.PASSED_OVER
        except Exception:
            self._logger.exception("%s failed; it stays open", name_of(envelope))
            return Result.FAILED

    def _perform(self, envelope: TaskEnvelope, options: _Recovery) -> Result:
        if self._handlers.find(envelope) is None:
            return Result.PASSED_OVER
        store = self._claiming_store()
        try:
            claim = store.claim(envelope, owner=options.owner, lease=options.lease)
        except TaskError as error:
            if error.outcome == "not-applied":
                raise
            self._logger.warning("whether %s is claimed now is unknown: %s", name_of(envelope), error)
            claim = None
        if claim is None:
            return Result.PASSED_OVER
        if options.max_attempts is not None and claim.attempt > options.max_attempts:
            self._logger.error("%s is passed over: it was tried %d times", name_of(envelope), claim.attempt - 1)
            store.release(claim, retry_in=options.backoff[1])
            return Result.PASSED_OVER
        try:
            with self._renewed(claim, options.lease) as cancelled:
                self._do(envelope, Context(envelope, claim, cancelled))
        except Exception:
            retry_in = options.delay_after(claim.attempt)
            name, attempt = name_of(envelope), claim.attempt
            self._logger.exception("%s failed at attempt %d; again in %.1f s", name, attempt, retry_in)
            _quietly(lambda: store.release(claim, retry_in=retry_in))
            return Result.FAILED
        _quietly(lambda: store.forget(claim))
        return Result.COMPLETED

    @contextmanager
    def _renewed(self, claim: Claim, lease: float) -> Iterator[threading.Event]:
        """Renews a claim in a thread of its own; gives what is set when it has been lost, or the worker is stopped.

        The lease is counted from before it was asked for, and its last tenth as over.
        """
        cancelled, ended = threading.Event(), threading.Event()

        def renew() -> None:
            held_until = time.monotonic() + lease * 0.9
            while not ended.wait(max(0.0, min(lease / _RENEWALS_A_LEASE, held_until - time.monotonic()))):
                asked_at = time.monotonic()
                if asked_at >= held_until:
                    break
                try:
                    self._claiming_store().renew(claim, lease)
                    held_until = asked_at + lease * 0.9
                except TaskError as error:
                    self._logger.warning("%s", error)
                    if error.code is Code.CLAIM_LOST:
                        break
            cancelled.set()

        thread = threading.Thread(target=renew, name="taskledger-renew", daemon=True)
        self._running.add(cancelled)
        if self._stopped.is_set():
            cancelled.set()
        thread.start()
        try:
            yield cancelled
        finally:
            ended.set()
            self._running.discard(cancelled)
            thread.join()

    def _tasks_of(self, frames: Iterable[bytes], summary: Summary) -> Iterator[TaskEnvelope]:
        for frame in frames:
            try:
                yield from tasks_of(frame)
            except TaskError as error:
                summary.unread += 1
                self._logger.error("a frame of %d bytes can't be read: %s", len(frame), error)

    def _do_all(self, envelopes: Iterable[TaskEnvelope], do: Callable[[TaskEnvelope], Result], summary: Summary) -> None:
        """Takes no more tasks than there are threads."""
        lock, free = threading.Lock(), threading.Semaphore(self._concurrency)
        failures: list[BaseException] = []

        def work(envelope: TaskEnvelope) -> None:
            try:
                result = do(envelope)
                with lock:
                    summary.add(result)
            except BaseException as error:
                failures.append(error)
            finally:
                free.release()

        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="taskledger") as pool:
            for envelope in envelopes:
                free.acquire()
                if failures or self._stopped.is_set():
                    break
                pool.submit(work, envelope)
        if failures:
            raise failures[0]

    def _claiming_store(self) -> Store:
        return self._store  # type: ignore[return-value]  # it fails at the first call that it lacks


@dataclass(frozen=True)
class _Recovery:
    lease: float
    max_attempts: int | None
    backoff: tuple[float, float]
    owner: str

    def delay_after(self, attempt: int) -> float:
        initial, most = self.backoff
        return random.random() * min(most, initial * 2.0 ** min(attempt - 1, 31))


_PASSING: Final = {Code.UNAVAILABLE, Code.TIMEOUT, Code.OVERLOADED, Code.CLOCK_SKEW}


def name_of(envelope: TaskEnvelope) -> str:
    return f"task {envelope.id!r} of {envelope.task_list!r}"


def _quietly(act: Callable[[], None]) -> None:
    """A claim that can't be ended expires."""
    try:
        act()
    except TaskError:
        return
