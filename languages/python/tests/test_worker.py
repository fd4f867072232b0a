import asyncio
import io
import logging
import os
import signal
import sys
import threading
import time

import pytest
from example.v1.fetch_file_pb2 import FetchFile
from example.v1.send_mail_pb2 import SendMail
from google.protobuf import message as protobuf

from taskledger_worker import AsyncWorker, Claim, Code, Context, Result, TaskError, Worker, encode, new_envelope, write_frame
from taskledger_worker.envelope import set_version, stored_task


def saved(id: str, data: protobuf.Message | None = None):
    envelope = new_envelope("acme.com", data or FetchFile(filename=id), id=id)
    set_version(envelope, 1_767_323_046_000_000)
    return envelope


class Completed:
    """Notes what is completed."""

    def __init__(self, claim: Claim | None = None):
        self.ids: list[str] = []
        self.events: list[str] = []
        self._claim = claim
        self.lost = False

    def complete(self, envelope):
        self.ids.append(envelope.id)

    def claim(self, envelope, *, owner, lease):
        return self._claim

    def renew(self, claim, lease):
        self.events.append("renewed")
        if self.lost:
            raise TaskError(Code.CLAIM_LOST, "it is another's")
        return claim

    def release(self, claim, *, retry_in):
        self.events.append("released")

    def forget(self, claim):
        self.events.append("forgotten")


def stream_of(*messages: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    for each in messages:
        write_frame(stream, each)
    stream.seek(0)
    return stream


def worker_of(store, **options):
    worker = Worker(store, **options)

    @worker.does(FetchFile)
    def fetch(file: FetchFile, context: Context) -> None:
        if file.filename.startswith("bad"):
            raise RuntimeError("the handler fails")

    return worker


def test_what_fails_is_logged_and_keeps_nobody_else_from_being_done(caplog):
    store = Completed()
    unsaved = new_envelope("acme.com", FetchFile(), id="unsaved")
    mail = saved("mail", SendMail())
    frames = [encode(saved("bad")), b"no envelope", encode(unsaved), encode(mail), encode(mail), b"", encode(saved("good"))]
    with caplog.at_level(logging.INFO):
        summary = worker_of(store).run(stream_of(*frames))
    assert store.ids == ["good"]
    assert (summary.completed, summary.failed, summary.passed_over, summary.unread) == (1, 2, 2, 2)
    # An unknown type is told of once, and each other problem by its name.
    assert sum("example.v1.SendMail" in record.message for record in caplog.records) == 1
    assert "task 'bad' of 'acme.com' failed" in caplog.text
    assert "NOT_SAVED" in caplog.text


class Unprintable(Exception):
    """Nobody can say what it is."""

    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Odd(BaseException):
    pass


ODD_ERRORS = [
    Unprintable(),
    Odd("it is no Exception"),
    GeneratorExit(),
    asyncio.CancelledError(),
    RuntimeError("\udcff is no text"),
    RuntimeError(),
]
# A coroutine can't raise it, nor can a generator.
ODD_ERRORS_OF_FUNCTIONS = [*ODD_ERRORS, StopIteration()]


def run_odd(store, error):
    """Does a task whose handler raises an error, and another."""
    worker = Worker(store)

    @worker.does(FetchFile)
    def fetch(file, context):
        if file.filename == "odd":
            raise error

    return worker.run(stream_of(encode(saved("odd")), encode(saved("good"))))


def run_odd_async(store, error):
    worker = AsyncWorker(store)

    @worker.does(FetchFile)
    async def fetch(file, context):
        if file.filename == "odd":
            raise error

    return asyncio.run(run_async(worker, encode(saved("odd")), encode(saved("good"))))


@pytest.mark.parametrize(
    ("run", "error"),
    [(run_odd, each) for each in ODD_ERRORS_OF_FUNCTIONS] + [(run_odd_async, each) for each in ODD_ERRORS],
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
def test_whatever_a_handler_raises_is_logged_and_keeps_nobody_else_from_being_done(run, error, caplog):
    if run is run_odd_async and isinstance(error, asyncio.CancelledError) and sys.version_info < (3, 11):
        pytest.skip("before Python 3.11 nobody can tell who was cancelled")
    store = Completed()
    summary = run(store, error)
    assert (summary.completed, summary.failed, store.ids) == (1, 1, ["good"])
    assert "task 'odd' of 'acme.com' failed; it stays open" in caplog.text
    assert type(error).__name__ in caplog.text


@pytest.mark.parametrize("run", [run_odd, run_odd_async])
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_exit_ends_the_worker_and_leaves_its_task_open(run, error):
    store = Completed()
    with pytest.raises(type(error)) as raised:
        run(store, error)
    assert raised.value is error
    assert "odd" not in store.ids


def test_a_task_that_was_never_saved_is_not_done():
    done = []
    worker = Worker(Completed())
    worker.does(FetchFile)(lambda file, context: done.append(file))
    with pytest.raises(TaskError) as error:
        worker.do(new_envelope("acme.com", FetchFile()))
    assert error.value.code is Code.NOT_SAVED
    assert done == []


def test_a_damaged_task_is_passed_over_and_logged(caplog):
    store = Completed()
    assert worker_of(store).do(stored_task("acme.com", "x", 1, b"\xff")) is False
    assert "holds bytes that are no task" in caplog.text


def test_a_truncated_stream_is_told_after_what_came_before_is_done():
    store = Completed()
    whole = stream_of(encode(saved("a")), encode(saved("b"))).getvalue()
    with pytest.raises(TaskError) as error:
        worker_of(store).run(io.BytesIO(whole[:-1]))
    assert error.value.code is Code.TRUNCATED
    assert store.ids == ["a"]


def test_a_stream_that_has_no_bytes_yet_is_not_taken_for_ended():
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    with open(ends[0], "rb") as stream, open(ends[1], "wb"), pytest.raises(TaskError, match="non-blocking"):
        worker_of(Completed()).run(stream)


def test_a_coroutine_function_is_refused_and_a_coroutine_is_never_taken_for_done():
    worker = Worker(Completed())

    async def fetch(file, context):
        pass

    with pytest.raises(TaskError) as error:
        worker.does(FetchFile)(fetch)
    assert error.value.code is Code.INVALID_ARGUMENT
    store = Completed()
    hidden = Worker(store)
    hidden.does(FetchFile)(lambda file, context: fetch(file, context))
    with pytest.raises(TaskError, match="AsyncWorker"):
        hidden.do(saved("a"))
    assert store.ids == []


def test_a_generator_function_is_refused_and_a_generator_is_never_taken_for_done():
    store = Completed()
    worker = Worker(store)

    def fetch(file, context):
        yield file

    with pytest.raises(TaskError, match="generator"):
        worker.does(FetchFile)(fetch)
    worker.does(FetchFile)(lambda file, context: fetch(file, context))
    with pytest.raises(TaskError, match="generator"):
        worker.do(saved("a"))
    assert store.ids == []


def test_a_coroutine_that_a_coroutine_function_returns_is_never_taken_for_done():
    store = Completed()
    worker = AsyncWorker(store)

    async def download():
        pass

    @worker.does(FetchFile)
    async def fetch(file, context):
        return download()

    with pytest.raises(TaskError, match="await"):
        asyncio.run(worker.do(saved("a")))
    assert store.ids == []


def test_a_type_has_one_handler():
    worker = worker_of(Completed())
    with pytest.raises(TaskError) as error:
        worker.does(FetchFile)(print)
    assert error.value.code is Code.DUPLICATE_TYPE


def test_four_handlers_run_at_once_and_no_more():
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(4)
    worker = Worker(Completed(), concurrency=4)

    @worker.does(FetchFile)
    def fetch(file, context):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(10)
        with lock:
            running -= 1

    assert worker.run(stream_of(*[encode(saved(str(i))) for i in range(16)])).completed == 16
    assert most == 4


def test_a_worker_that_is_stopped_begins_no_more():
    store = Completed()
    worker = Worker(store)
    signal.signal(signal.SIGUSR1, lambda *_: worker.stop())

    @worker.does(FetchFile)
    def fetch(file, context):
        signal.raise_signal(signal.SIGUSR1) if threading.current_thread() is threading.main_thread() else worker.stop()
        assert context.cancelled.is_set()

    worker.run(stream_of(*[encode(saved(str(i))) for i in range(3)]))
    assert store.ids == ["0"]


@pytest.mark.parametrize("is_at_its_end", [False, True])
def test_an_interrupt_stops_the_worker_and_waits_for_its_handlers(is_at_its_end):
    """Whether it waits for more tasks, or for handlers."""
    store, told = Completed(), []
    worker = Worker(store)
    reader, writer = os.pipe()
    os.write(writer, stream_of(encode(saved("a"))).getvalue())
    if is_at_its_end:
        os.close(writer)

    @worker.does(FetchFile)
    def fetch(file, context):
        time.sleep(0.2)  # until the main thread waits
        os.kill(os.getpid(), signal.SIGINT)
        told.append(context.cancelled.wait(10))

    with open(reader, "rb", buffering=0) as stream, pytest.raises(KeyboardInterrupt):
        worker.run(stream)
    assert (told, store.ids) == ([True], ["a"])
    if not is_at_its_end:
        os.close(writer)


def test_an_exit_ends_a_pass_also_after_an_error_of_the_store():
    class Fails(Completed):
        def open_tasks(self, task_list, *, older_than):
            yield from [saved("a"), saved("b")]

        def claim(self, envelope, *, owner, lease):
            if envelope.id == "a":
                begun.wait(10)  # no more are begun after an error
                raise TaskError(Code.UNAVAILABLE, "the store fails")
            begun.set()
            failed.wait(10)
            return CLAIM

    begun, failed = threading.Event(), threading.Event()
    worker = Worker(Fails(), concurrency=2)
    perform = worker._perform

    def note(envelope, terms):
        try:
            return perform(envelope, terms)
        except TaskError:
            # The worker notes it before the other's.
            threading.Timer(0.2, failed.set).start()
            raise

    worker._perform = note

    @worker.does(FetchFile)
    def fetch(file, context):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        worker.recover("acme.com", older_than=0, every=60)


CLAIM = Claim("acme.com", "a", 1, "me", 7, 1, 0)


def test_a_task_is_done_under_a_claim_that_is_renewed():
    store = Completed(CLAIM)
    worker = Worker(store)

    @worker.does(FetchFile)
    def fetch(file, context):
        assert (context.claim.token, context.attempt) == (7, 1)
        end = time.monotonic() + 10
        while "renewed" not in store.events and time.monotonic() < end:
            time.sleep(0.01)

    assert worker.perform(saved("a"), lease=0.6) is Result.COMPLETED
    assert store.ids == ["a"]
    assert (store.events[0], store.events[-1]) == ("renewed", "forgotten")


def test_a_handler_is_told_when_its_claim_is_lost():
    store = Completed(CLAIM)
    store.lost = True
    worker = Worker(store)
    worker.does(FetchFile)(lambda file, context: context.cancelled.wait(10) or pytest.fail("it was not told"))
    assert worker.perform(saved("a"), lease=0.3) is Result.COMPLETED


def test_a_task_that_fails_under_its_claim_is_released_to_be_tried_again():
    store = Completed(CLAIM)
    assert worker_of(store).perform(saved("bad")) is Result.FAILED
    assert (store.ids, store.events) == ([], ["released"])


def test_a_task_that_another_has_or_that_nobody_here_knows_is_passed_over():
    assert worker_of(Completed()).perform(saved("a")) is Result.PASSED_OVER
    assert worker_of(Completed(CLAIM)).perform(saved("a", SendMail())) is Result.PASSED_OVER


def test_a_claim_of_unknown_outcome_counts_as_not_granted():
    class Unsure(Completed):
        def claim(self, envelope, *, owner, lease):
            raise TaskError(Code.TIMEOUT, "no answer", "unknown")

    store = Unsure()
    assert worker_of(store).perform(saved("a")) is Result.PASSED_OVER
    assert store.ids == []


async def run_async(worker, *frames: bytes):
    reader = asyncio.StreamReader()
    reader.feed_data(stream_of(*frames).getvalue())
    reader.feed_eof()
    return await worker.run(reader)


def test_coroutine_functions_run_at_once_in_an_event_loop():
    store = Completed()
    worker = AsyncWorker(store, concurrency=4)
    together = []

    @worker.does(FetchFile)
    async def fetch(file: FetchFile, context: Context) -> None:
        if file.filename == "bad":
            raise RuntimeError("the handler fails")
        together.append(file)
        while len(together) < 4:
            await asyncio.sleep(0)

    frames = [encode(saved(id)) for id in ("bad", "1", "2", "3", "4")]
    summary = asyncio.run(run_async(worker, *frames, encode(saved("mail", SendMail()))))
    assert sorted(store.ids) == ["1", "2", "3", "4"]
    assert (summary.completed, summary.failed, summary.passed_over) == (4, 1, 1)


def test_an_event_loops_worker_refuses_a_function_that_is_no_coroutine_function():
    with pytest.raises(TaskError) as error:
        AsyncWorker(Completed()).does(FetchFile)(lambda file, context: None)
    assert error.value.code is Code.INVALID_ARGUMENT


def test_an_event_loops_worker_that_is_stopped_begins_no_more_and_tells_its_handlers():
    store = Completed()
    worker = AsyncWorker(store)

    @worker.does(FetchFile)
    async def fetch(file, context):
        assert not context.cancelled.is_set()
        worker.stop()
        assert context.cancelled.is_set()

    asyncio.run(run_async(worker, *[encode(saved(str(i))) for i in range(3)]))
    assert store.ids == ["0"]


def test_an_event_loops_worker_that_waits_for_a_stream_can_be_stopped():
    worker = AsyncWorker(Completed())

    async def main():
        reader = asyncio.StreamReader()
        reader.feed_data(b"\x05a")  # a frame of which the rest is to come
        asyncio.get_running_loop().call_later(0.2, worker.stop)
        assert (await asyncio.wait_for(worker.run(reader), 10)).unread == 0

    asyncio.run(main())


def test_cancelling_an_event_loops_worker_cancels_its_handlers_and_completes_nothing():
    store, cancelled = Completed(), []
    worker = AsyncWorker(store)

    @worker.does(FetchFile)
    async def fetch(file, context):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(file.filename)
            raise

    async def main():
        task = asyncio.create_task(run_async(worker, encode(saved("a"))))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert (cancelled, store.ids) == (["a"], [])
