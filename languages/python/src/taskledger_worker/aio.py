"""Does tasks in an event loop."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import saved_version
from .errors import Code, TaskError
from .frames import MAX_FRAME_BYTES, FrameReader, tasks_of
from .handlers import ENDING, Context, Result, Summary, WorkerBase
from .recovery import PASSING_ERRORS, Attempt, Attempts, Ending, Renewals, Terms, check_passes
from .store import new_owner

M = TypeVar("M", bound=Message)

AsyncHandler = Callable[[M, Context], Awaitable[object]]


class AsyncWorker(WorkerBase):
    """Does tasks by coroutine functions. The store is called in threads, so that it does not hold up the event loop.

    >>> worker = AsyncWorker(store, concurrency=4)
    >>> @worker.does(FetchFile)
    ... async def fetch(file: FetchFile, context: Context) -> None: ...
    >>> await worker.run(reader)        # an asyncio.StreamReader
    >>> await worker.recover("acme.com")
    """

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
        return await self.run_frames(_read_frames(stream, limit))

    async def run_frames(self, frames: AsyncIterable[bytes]) -> Summary:
        """Does the tasks of frames that come by other ways."""
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
        await asyncio.to_thread(self._store.complete, envelope)
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
                await self._do_all(_in_threads(open_tasks), do, summary)
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
        attempt = await _begin(attempts, envelope)
        if attempt is None:
            return Result.PASSED_OVER
        try:
            async with self._renewed(attempt, terms) as cancelled:
                ending = await _try_once(attempts, attempt, found, cancelled)
        except (asyncio.CancelledError, *ENDING):
            await asyncio.to_thread(attempts.end, attempt, attempts.interrupt(attempt))
            raise
        await asyncio.to_thread(attempts.end, attempt, ending)
        return ending.result

    @asynccontextmanager
    async def _renewed(self, attempt: Attempt, terms: Terms) -> AsyncIterator[threading.Event]:
        """Renews a claim meanwhile; gives what is set when it has been lost, or the worker is stopped."""
        cancelled, ended = threading.Event(), asyncio.Event()
        renewals = Renewals(self._claiming_store(), attempt.claim, terms.lease, self._logger)

        async def renew() -> None:
            while not await _is_set_within(ended, renewals.pause()):
                if not await asyncio.to_thread(renewals.renew):
                    break
            cancelled.set()

        self._told.add(cancelled)
        if self._stopped.is_set():
            cancelled.set()
        renewing = asyncio.create_task(renew())
        try:
            yield cancelled
        finally:
            ended.set()
            self._told.discard(cancelled)
            await renewing

    async def _tasks_of(self, frames: AsyncIterable[bytes], summary: Summary) -> AsyncIterator[TaskEnvelope]:
        async for frame in frames:
            try:
                for envelope in tasks_of(frame):
                    yield envelope
            except TaskError as error:
                self._note_unread(frame, error, summary)

    async def _is_stopped_within(self, seconds: float) -> bool:
        if self._stopped.is_set():
            return True
        stopped = asyncio.Event()
        self._told.add(stopped)
        try:
            return await _is_set_within(stopped, seconds)
        finally:
            self._told.discard(stopped)


async def _begin(attempts: Attempts, envelope: TaskEnvelope) -> Attempt | None:
    begun = asyncio.ensure_future(asyncio.to_thread(attempts.begin, envelope))
    try:
        return await asyncio.shield(begun)
    except asyncio.CancelledError:
        # A claim that was granted must be known, to be released.
        attempt = await begun
        if attempt is not None:
            await asyncio.to_thread(attempts.end, attempt, attempts.interrupt(attempt))
        raise


async def _try_once(
    attempts: Attempts, attempt: Attempt, found: tuple[Message, Callable[[Any, Context], object]], cancelled: threading.Event
) -> Ending:
    if attempt.comes_too_late:
        return await asyncio.to_thread(attempts.give_up, attempt)
    try:
        await _handle(*found, Context(attempt.envelope, attempt.claim, cancelled))
    except BaseException as error:
        if _ends_the_worker(error):
            raise
        return await asyncio.to_thread(attempts.fail, attempt, error, was_cancelled=cancelled.is_set())
    return await asyncio.to_thread(attempts.complete, attempt)


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
    await result


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True


async def _in_threads(envelopes: Iterator[TaskEnvelope]) -> AsyncIterator[TaskEnvelope]:
    """Each page is read in a thread."""
    while (envelope := await asyncio.to_thread(next, envelopes, None)) is not None:
        yield envelope


async def _read_frames(stream: asyncio.StreamReader, limit: int) -> AsyncIterator[bytes]:
    reader = FrameReader(limit)
    while data := await stream.read(64 * 1024):
        for frame in reader.feed(data):
            yield frame
    reader.end()
