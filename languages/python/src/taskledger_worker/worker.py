"""Does tasks, each by the handler of its type, and completes those that were done."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import saved_version
from .errors import Code, TaskError
from .frames import MAX_FRAME_BYTES, ReadableStream, read_frames, tasks_of
from .handlers import ENDING, Context, Result, Summary, WorkerBase, check_is_done
from .recovery import PASSING_ERRORS, Attempt, Attempts, Ending, Renewals, Terms, check_passes
from .store import new_owner

M = TypeVar("M", bound=Message)

Handler = Callable[[M, Context], object]


class Worker(WorkerBase):
    """Does tasks in threads.

    >>> worker = Worker(store, concurrency=4)
    >>> @worker.does(FetchFile)
    ... def fetch(file: FetchFile, context: Context) -> None: ...
    >>> worker.run(sys.stdin.buffer)       # what is handed over, as frames
    >>> worker.recover("acme.com")         # what others left
    """

    def does(self, message: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Gives the tasks of a type to a function. What that raises leaves the task open, to be done again;
        KeyboardInterrupt and SystemExit also end the worker.

        Raises INVALID_ARGUMENT for a coroutine function, which is for an `AsyncWorker`, and for a generator function, of
        which nothing would run; DUPLICATE_TYPE.
        """

        def register(handler: Handler[M]) -> Handler[M]:
            if inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler):
                raise TaskError(Code.INVALID_ARGUMENT, f"{handler!r} is a coroutine function: use an AsyncWorker")
            if inspect.isgeneratorfunction(handler):
                raise TaskError(Code.INVALID_ARGUMENT, f"{handler!r} is a generator function: nothing of it would run")
            self._handlers.add(message, handler)
            return handler

        return register

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
        dead_letter_list: str | None = None,
        every: float | None = None,
        owner: str | None = None,
    ) -> Summary:
        """Does the open tasks of a list, each under a claim that is renewed meanwhile, so that no two workers do one
        at the same time. Needs a `Store`.

        Only those that were saved `older_than` seconds ago. One that fails may be claimed again after a random part of
        a delay that doubles with each attempt, from the first to the second value of `backoff`, in seconds. One that
        fails `max_attempts` times is given up: it is moved to the dead-letter list or, without one, stays open and is
        passed over until more attempts are allowed, a list is named, or it is saved again.

        With `every`, goes over the list again so many seconds after each pass, until the worker is stopped; errors of
        the store that may pass are then logged. Without it, they are raised.
        """
        check_passes(task_list, older_than, every)
        terms = Terms(lease, max_attempts, backoff, dead_letter_list, owner or new_owner())
        summary = Summary()
        while not self._stopped.is_set():
            try:
                open_tasks = self._claiming_store().open_tasks(task_list, older_than=older_than)
                self._do_all(open_tasks, lambda envelope: self._perform(envelope, terms), summary)
            except TaskError as error:
                if every is None or error.code not in PASSING_ERRORS:
                    raise
                self._logger.warning("a pass over list %r ended early: %s", task_list, error)
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
        dead_letter_list: str | None = None,
        owner: str | None = None,
    ) -> Result:
        """Does one task under a claim, as `recover` does each. Raises what the store raises."""
        return self._perform(envelope, Terms(lease, max_attempts, backoff, dead_letter_list, owner or new_owner()))

    def _do(self, envelope: TaskEnvelope, context: Context) -> bool:
        saved_version(envelope)
        found = self._handlers.find(envelope)
        if found is None:
            return False
        _handle(*found, context)
        self._store.complete(envelope)
        return True

    def _try(self, envelope: TaskEnvelope) -> Result:
        try:
            return Result.COMPLETED if self.do(envelope) else Result.PASSED_OVER
        except ENDING:
            raise
        except BaseException as error:
            return self._note_failure(envelope, error)

    def _perform(self, envelope: TaskEnvelope, terms: Terms) -> Result:
        found = self._handlers.find(envelope)
        if found is None:
            return Result.PASSED_OVER
        attempts = Attempts(self._claiming_store(), terms, self._logger)
        attempt = attempts.begin(envelope)
        if attempt is None:
            return Result.PASSED_OVER
        try:
            with self._renewed(attempt, terms) as cancelled:
                ending = _try_once(attempts, attempt, found, cancelled)
        except ENDING:
            attempts.end(attempt, attempts.interrupt(attempt))
            raise
        attempts.end(attempt, ending)
        return ending.result

    @contextmanager
    def _renewed(self, attempt: Attempt, terms: Terms) -> Iterator[threading.Event]:
        """Renews a claim in a thread of its own; gives what is set when it has been lost, or the worker is stopped."""
        cancelled, ended = threading.Event(), threading.Event()
        renewals = Renewals(self._claiming_store(), attempt.claim, terms.lease, self._logger)

        def renew() -> None:
            while not ended.wait(renewals.pause()):
                if not renewals.renew():
                    break
            cancelled.set()

        thread = threading.Thread(target=renew, name="taskledger-renew", daemon=True)
        self._told.add(cancelled.set)
        if self._stopped.is_set():
            cancelled.set()
        thread.start()
        try:
            yield cancelled
        finally:
            ended.set()
            self._told.discard(cancelled.set)
            thread.join()

    def _tasks_of(self, frames: Iterable[bytes], summary: Summary) -> Iterator[TaskEnvelope]:
        for frame in frames:
            try:
                yield from tasks_of(frame)
            except TaskError as error:
                self._note_unread(frame, error, summary)

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
                if isinstance(error, ENDING):
                    self.stop()
            finally:
                free.release()

        pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="taskledger")
        running: set[Future[None]] = set()
        try:
            for envelope in envelopes:
                free.acquire()
                if failures or self._stopped.is_set():
                    break
                future = pool.submit(work, envelope)
                running.add(future)
                future.add_done_callback(running.discard)
            wait(list(running))
        except ENDING:
            # Handlers that look at `cancelled` would keep the program from ending.
            self.stop()
            raise
        finally:
            # The pool alone may take a thread for ended whose `join` was interrupted.
            wait(list(running))
            pool.shutdown()
        if failures:
            raise next((error for error in failures if isinstance(error, ENDING)), failures[0])


def _try_once(
    attempts: Attempts, attempt: Attempt, found: tuple[Message, Callable[[Any, Context], object]], cancelled: threading.Event
) -> Ending:
    if attempt.comes_too_late:
        return attempts.give_up(attempt)
    try:
        _handle(*found, Context(attempt.envelope, attempt.claim, cancelled))
    except ENDING:
        raise
    except BaseException as error:
        return attempts.fail(attempt, error, was_cancelled=cancelled.is_set())
    return attempts.complete(attempt)


def _handle(data: Message, handler: Callable[[Any, Context], object], context: Context) -> None:
    check_is_done(handler(data, context), context.envelope)
