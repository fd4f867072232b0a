"""Does tasks in an event loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import TypeVar

from google.protobuf.message import Message

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import saved_version
from .errors import Code, TaskError
from .frames import MAX_FRAME_BYTES, FrameReader, tasks_of
from .worker import Completes, Context, Handlers, Result, Summary, name_of

M = TypeVar("M", bound=Message)

AsyncHandler = Callable[[M, Context], Awaitable[object]]


class AsyncWorker:
    """Does tasks by coroutine functions. The store is called in threads, so that it does not hold up the event loop.

    >>> worker = AsyncWorker(store, concurrency=4)
    >>> @worker.does(FetchFile)
    ... async def fetch(file: FetchFile, context: Context) -> None: ...
    >>> await worker.run(reader)        # an asyncio.StreamReader
    """

    def __init__(self, store: Completes, *, concurrency: int = 1, logger: logging.Logger | None = None) -> None:
        """`concurrency` is how many handlers run at once."""
        if concurrency < 1:
            raise TaskError(Code.INVALID_ARGUMENT, f"concurrency must be at least 1, and is {concurrency}")
        self._store = store
        self._concurrency = concurrency
        self._logger = logger or logging.getLogger("taskledger_worker")
        self._handlers = Handlers(self._logger)

    def does(self, message: type[M]) -> Callable[[AsyncHandler[M]], AsyncHandler[M]]:
        """Gives the tasks of a type to a coroutine function. What it raises leaves the task open.

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
        free = asyncio.Semaphore(self._concurrency)
        tasks: set[asyncio.Task[None]] = set()

        async def work(envelope: TaskEnvelope) -> None:
            try:
                summary.add(await self._try(envelope))
            finally:
                free.release()

        try:
            async for envelope in self._tasks_of(frames, summary):
                await free.acquire()
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
        return summary

    async def do(self, envelope: TaskEnvelope) -> bool:
        """Does a task and completes it; False if nobody here can. Raises as `Worker.do` does."""
        saved_version(envelope)
        found = self._handlers.find(envelope)
        if found is None:
            return False
        data, handler = found
        result = handler(data, Context(envelope))
        assert inspect.isawaitable(result)
        await result
        await asyncio.to_thread(self._store.complete, envelope)
        return True

    async def _try(self, envelope: TaskEnvelope) -> Result:
        try:
            return Result.COMPLETED if await self.do(envelope) else Result.PASSED_OVER
        except Exception:
            self._logger.exception("%s failed; it stays open", name_of(envelope))
            return Result.FAILED

    async def _tasks_of(self, frames: AsyncIterable[bytes], summary: Summary) -> AsyncIterator[TaskEnvelope]:
        async for frame in frames:
            try:
                for envelope in tasks_of(frame):
                    yield envelope
            except TaskError as error:
                summary.unread += 1
                self._logger.error("a frame of %d bytes can't be read: %s", len(frame), error)


async def _read_frames(stream: asyncio.StreamReader, limit: int) -> AsyncIterator[bytes]:
    reader = FrameReader(limit)
    while data := await stream.read(64 * 1024):
        for frame in reader.feed(data):
            yield frame
    reader.end()
