"""Does tasks in an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import sys
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import saved_version
from .errors import Code, TaskError
from .frames import MAX_FRAME_BYTES, FrameReader, tasks_of
from .handlers import ENDING, Completes, Context, Result, Summary, WorkerBase, check_is_done
from .recovery import PASSING_ERRORS, Attempt, Attempts, Ending, Renewals, Terms, check_passes
from .store import new_owner

M = TypeVar("M", bound=Message)
T = TypeVar("T")

AsyncHandler = Callable[[M, Context], Awaitable[object]]


class AsyncWorker(WorkerBase):
    """Does tasks by coroutine functions. The store is called in threads, so that it does not hold up the event loop.

    >>> worker = AsyncWorker(store, concurrency=4)
    >>> @worker.does(FetchFile)
    ... async def fetch(file: FetchFile, context: Context) -> None: ...
    >>> await worker.run(reader)        # an asyncio.StreamReader
    >>> await worker.recover("acme.com")
    """

    def __init__(self, store: Completes, *, concurrency: int = 1, logger: logging.Logger | None = None) -> None:
        super().__init__(store, concurrency=concurrency, logger=logger)
        self._threads = ThreadPoolExecutor(thread_name_prefix="taskledger")

    def does(self, message: type[M]) -> Callable[[AsyncHandler[M]], AsyncHandler[M]]:
        """Gives the tasks of a type to a coroutine function. What it raises leaves the task open; KeyboardInterrupt and
        SystemExit also end the worker.

        Raises INVALID_ARGUMENT for another function, which is for a `Worker`, and DUPLICATE_TYPE.
        """

        def register(handler: AsyncHandler[M]) -> AsyncHandler[M]:
            if not inspect.iscoroutinefunction(handler):
                raise TaskError(Code.INVALID_ARGUMENT, f"{handler!r} is no coroutine function: use a Worker")
            self._handlers.add(message, handler)
            return handler

        return register

    async def run(self, stream: asyncio.StreamReader, *, limit: int = MAX_FRAME_BYTES) -> Summary:
        """Does the tasks of a stream of frames, as `Worker.run` does. Cancelling it cancels the handlers."""
        return await self.run_frames(self._read_frames(stream, limit))

    async def run_frames(self, frames: AsyncIterable[bytes]) -> Summary:
        """Does the tasks of frames that come by other ways. After `stop` it ends when the next frame comes, or the last."""
        summary = Summary()
        await self._do_all(self._tasks_of(frames, summary), self._try, summary)
        return summary

    async def do(self, envelope: TaskEnvelope) -> bool:
        """Does a task and completes it; False if nobody here can. Raises as `Worker.do` does."""
        saved_version(envelope)
        found = self._handlers.find(envelope)
        if found is None:
            return False
        await _handle(*found, Context(envelope, cancelled=self._stopped))
        await self._call(self._store.complete, envelope)
        return True

    async def recover(
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
        """Does the open tasks of a list, each under a claim, as `Worker.recover` does. Cancelling it cancels the
        handlers, and releases their claims."""
        check_passes(task_list, older_than, every)
        terms = Terms(lease, max_attempts, backoff, dead_letter_list, owner or new_owner())
        summary = Summary()

        async def do(envelope: TaskEnvelope) -> Result:
            return await self._perform(envelope, terms)

        while not self._stopped.is_set():
            try:
                open_tasks = self._claiming_store().open_tasks(task_list, older_than=older_than)
                await self._do_all(self._in_threads(open_tasks), do, summary)
            except TaskError as error:
                if every is None or error.code not in PASSING_ERRORS:
                    raise
                self._logger.warning("a pass over list %r ended early: %s", task_list, error)
            if every is None or await self._is_stopped_within(every):
                break
        return summary

    async def perform(
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
        return await self._perform(envelope, Terms(lease, max_attempts, backoff, dead_letter_list, owner or new_owner()))

    async def _do_all(
        self,
        envelopes: AsyncIterable[TaskEnvelope],
        do: Callable[[TaskEnvelope], Awaitable[Result]],
        summary: Summary,
    ) -> None:
        """Takes no more tasks than may run at once."""
        free = asyncio.Semaphore(self._concurrency)
        tasks: set[asyncio.Task[None]] = set()
        failures: list[Exception] = []

        async def work(envelope: TaskEnvelope) -> None:
            try:
                summary.add(await do(envelope))
            except Exception as error:
                failures.append(error)
            finally:
                free.release()

        try:
            async for envelope in envelopes:
                await free.acquire()
                if failures or self._stopped.is_set():
                    break
                task = asyncio.create_task(work(envelope))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            raise
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)
        if failures:
            raise failures[0]

    async def _try(self, envelope: TaskEnvelope) -> Result:
        try:
            return Result.COMPLETED if await self.do(envelope) else Result.PASSED_OVER
        except BaseException as error:
            if _ends_the_worker(error):
                raise
            return self._note_failure(envelope, error)

    async def _perform(self, envelope: TaskEnvelope, terms: Terms) -> Result:
        found = self._handlers.find(envelope)
        if found is None:
            return Result.PASSED_OVER
        attempts = Attempts(self._claiming_store(), terms, self._logger)
        attempt = await self._begin(attempts, envelope)
        if attempt is None:
            return Result.PASSED_OVER
        try:
            async with self._renewed(attempt, terms) as cancelled:
                ending = await self._try_once(attempts, attempt, found, cancelled)
        except (asyncio.CancelledError, *ENDING):
            await self._call(attempts.end, attempt, attempts.interrupt(attempt))
            raise
        await self._call(attempts.end, attempt, ending)
        return ending.result

    @asynccontextmanager
    async def _renewed(self, attempt: Attempt, terms: Terms) -> AsyncIterator[threading.Event]:
        """Renews a claim meanwhile; gives what is set when it has been lost, or the worker is stopped."""
        cancelled, ended = threading.Event(), asyncio.Event()
        renewals = Renewals(self._claiming_store(), attempt.claim, terms.lease, self._logger)

        async def renew() -> None:
            while not await _is_set_within(ended, renewals.pause()):
                if not await self._call(renewals.renew):
                    break
            cancelled.set()

        self._told.add(cancelled.set)
        if self._stopped.is_set():
            cancelled.set()
        renewing = asyncio.create_task(renew())
        try:
            yield cancelled
        finally:
            ended.set()
            self._told.discard(cancelled.set)
            await renewing

    async def _tasks_of(self, frames: AsyncIterable[bytes], summary: Summary) -> AsyncIterator[TaskEnvelope]:
        async for frame in frames:
            try:
                for envelope in tasks_of(frame):
                    yield envelope
            except TaskError as error:
                self._note_unread(frame, error, summary)

    async def _read_frames(self, stream: asyncio.StreamReader, limit: int) -> AsyncIterator[bytes]:
        """The frames up to the end of the stream, or up to where the worker is stopped while it waits for more."""
        reader = FrameReader(limit)
        with self._stop_event() as stopped:
            while data := await _read_until(stopped, stream):
                for frame in reader.feed(data):
                    yield frame
            if not stopped.is_set():
                reader.end()

    async def _in_threads(self, envelopes: Iterator[TaskEnvelope]) -> AsyncIterator[TaskEnvelope]:
        """Each page is read in a thread."""
        while (envelope := await self._call(next, envelopes, None)) is not None:
            yield envelope

    async def _begin(self, attempts: Attempts, envelope: TaskEnvelope) -> Attempt | None:
        begun = asyncio.ensure_future(self._call(attempts.begin, envelope))
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            # A claim that was granted must be known, to be released.
            attempt = await begun
            if attempt is not None:
                await self._call(attempts.end, attempt, attempts.interrupt(attempt))
            raise

    async def _try_once(
        self,
        attempts: Attempts,
        attempt: Attempt,
        found: tuple[Message, Callable[[Any, Context], object]],
        cancelled: threading.Event,
    ) -> Ending:
        if attempt.comes_too_late:
            return await self._call(attempts.give_up, attempt)
        try:
            await _handle(*found, Context(attempt.envelope, attempt.claim, cancelled))
        except BaseException as error:
            if _ends_the_worker(error):
                raise
            return await self._call(partial(attempts.fail, attempt, error, was_cancelled=cancelled.is_set()))
        return await self._call(attempts.complete, attempt)

    async def _call(self, act: Callable[..., T], *args: Any) -> T:
        """Calls the store in a thread of the worker's own: behind handlers that keep those of `asyncio.to_thread` busy,
        claims would run out. What is logged there has the caller's context."""
        within = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(within, act, *args))

    async def _is_stopped_within(self, seconds: float) -> bool:
        with self._stop_event() as stopped:
            return await _is_set_within(stopped, seconds)

    @contextmanager
    def _stop_event(self) -> Iterator[asyncio.Event]:
        """What is set in this event loop when the worker is stopped, by whichever thread."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(stopped.set)

        self._told.add(tell)
        if self._stopped.is_set():
            stopped.set()
        try:
            yield stopped
        finally:
            self._told.discard(tell)


def _ends_the_worker(error: BaseException) -> bool:
    """Whether an error ends the worker: an exit, or the cancellation of this asyncio task. A handler may also raise
    CancelledError because something it awaited was cancelled; before Python 3.11 the two can't be told apart."""
    if not isinstance(error, asyncio.CancelledError):
        return isinstance(error, ENDING)
    task = asyncio.current_task()
    return sys.version_info < (3, 11) or task is None or task.cancelling() > 0


async def _handle(data: Message, handler: Callable[[Any, Context], object], context: Context) -> None:
    result = handler(data, context)
    assert inspect.isawaitable(result)
    check_is_done(await result, context.envelope)


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True


async def _read_until(event: asyncio.Event, stream: asyncio.StreamReader) -> bytes:
    """Some bytes; none at the end of the stream, or if the event is set before any come."""
    reading, waiting = asyncio.ensure_future(stream.read(64 * 1024)), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return reading.result() if reading.done() else b""
    finally:
        reading.cancel()
        waiting.cancel()
