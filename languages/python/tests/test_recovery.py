"""Tasks that are done under a claim, by both kinds of workers, in a store that claims."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from conftest import run_sql
from example.v1.fetch_file_pb2 import FetchFile

from taskledger_worker import AsyncWorker, Code, Result, SqliteStore, Summary, Task, TaskError, Worker, new_envelope
from taskledger_worker.envelope import MAX_TASK_BYTES


class Threads:
    """Calls a Worker's methods."""

    def __init__(self, store, **options) -> None:
        self.worker = Worker(store, **options)

    def does(self, handler: Callable) -> None:
        self.worker.does(FetchFile)(handler)

    def perform(self, envelope, **options) -> Result:
        return self.worker.perform(envelope, **options)

    def recover(self, task_list, **options) -> Summary:
        return self.worker.recover(task_list, older_than=0, **options)

    def stop(self) -> None:
        self.worker.stop()


class EventLoop:
    """Calls an AsyncWorker's methods, each in a loop of its own; the handlers are the same functions."""

    def __init__(self, store, **options) -> None:
        self.worker = AsyncWorker(store, **options)
        self.loop = None

    def does(self, handler: Callable) -> None:
        @self.worker.does(FetchFile)
        async def handle(file, context):
            await asyncio.to_thread(handler, file, context)

    def _run(self, start):
        async def main():
            self.loop = asyncio.get_running_loop()
            return await start()

        return asyncio.run(main())

    def perform(self, envelope, **options) -> Result:
        return self._run(lambda: self.worker.perform(envelope, **options))

    def recover(self, task_list, **options) -> Summary:
        return self._run(lambda: self.worker.recover(task_list, older_than=0, **options))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.worker.stop)


@pytest.fixture
def store(path):
    with SqliteStore(path) as store:
        yield store


@pytest.fixture(params=[Threads, EventLoop])
def worker(request, store):
    return request.param(store)


def saved(store, id="a", task_list="acme.com"):
    task = Task(new_envelope(task_list, FetchFile(filename=id), id=id, headers={"trace": "1"}))
    store.save(task)
    return task.envelope


def fails(file, context):
    raise RuntimeError("no such host")


def attempts_at(store, id="a"):
    state = store.claim_state("acme.com", id)
    return state and (state.owner, state.attempt)


AT_ONCE = {"backoff": (0, 0)}


def test_the_open_tasks_of_a_list_are_done_each_under_a_claim(store, worker):
    for id in ("a", "bad", "b"):
        saved(store, id)
    done = []

    def fetch(file, context):
        assert context.claim.attempt == context.attempt == 1
        if file.filename == "bad":
            fails(file, context)
        done.append(file.filename)

    worker.does(fetch)
    assert worker.recover("acme.com", backoff=(60, 60)) == Summary(completed=2, failed=1)
    assert done == ["a", "b"]
    assert [task.id for task in store.open_tasks("acme.com")] == ["bad"]
    # It waits to be tried again.
    assert worker.recover("acme.com") == Summary(passed_over=1)


def test_a_task_that_a_mark_says_was_handed_over_again_is_done_though_it_failed_before(store, worker, path):
    envelope = saved(store)
    worker.does(lambda file, context: context.attempt == 1 and fails(file, context))
    assert worker.perform(envelope, **AT_ONCE) is Result.FAILED
    run_sql(path, "UPDATE claims SET owner = 'taskledger.redelivery', ends_at = 8640000000000000")
    assert worker.perform(envelope) is Result.COMPLETED


def test_a_task_that_is_given_up_stays_open_and_is_tried_and_claimed_no_more(store, worker, caplog):
    envelope = saved(store)
    worker.does(fails)
    options = {"max_attempts": 2, **AT_ONCE}
    results = [worker.perform(envelope, **options) for _ in range(4)]
    assert results == [Result.FAILED, Result.GIVEN_UP, Result.PASSED_OVER, Result.PASSED_OVER]
    assert attempts_at(store) == (None, 2)
    assert worker.recover("acme.com", **options) == Summary(passed_over=1)
    assert attempts_at(store) == (None, 2)
    assert "task 'a' of 'acme.com' is given up after 2 attempts" in caplog.text
    # Until more attempts are allowed, or it is saved again.
    assert worker.perform(envelope, max_attempts=4, **AT_ONCE) is Result.FAILED
    assert worker.perform(saved(store), max_attempts=1, **AT_ONCE) is Result.GIVEN_UP
    assert attempts_at(store) == (None, 4)


class Unprintable(BaseException):
    """Nobody can say what it is, and it is no Exception."""

    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unprintable(), "Unprintable"),
        (RuntimeError("\udcff is no text"), "? is no text"),
        (ValueError(), "ValueError()"),
        (TaskError(Code.TIMEOUT, "no answer"), "TIMEOUT: no answer"),
    ],
)
def test_whatever_a_handler_raises_a_task_is_given_up_for_a_reason_that_can_be_read(store, worker, error, reason):
    def fetch(file, context):
        raise error

    worker.does(fetch)
    assert worker.perform(saved(store), max_attempts=1, dead_letter_list="dead") is Result.GIVEN_UP
    (letter,) = store.open_tasks("dead")
    assert letter.headers["taskledger-dead-reason"] == reason


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_exit_ends_the_worker_and_its_claim(store, worker, error):
    def fetch(file, context):
        raise error

    worker.does(fetch)
    envelope = saved(store)
    with pytest.raises(type(error)):
        worker.perform(envelope)
    assert attempts_at(store) == (None, 1)
    assert store.claim(envelope) is not None


def test_a_version_that_nobody_has_claimed_yet_is_tried_once_at_least(store, worker):
    for _ in range(3):
        store.release(store.claim(saved(store)))
    done = []
    worker.does(lambda file, context: done.append(context.attempt))
    assert worker.perform(saved(store), max_attempts=1) is Result.COMPLETED
    assert done == [4]


def test_a_task_whose_worker_died_in_its_last_attempt_is_given_up_without_another(store, worker):
    envelope = saved(store)
    store.claim(envelope, owner="dead", lease=0.01)
    worker.does(lambda file, context: pytest.fail("it is tried again"))
    threading.Event().wait(0.05)
    assert worker.perform(envelope, max_attempts=1) is Result.GIVEN_UP
    assert attempts_at(store) == (None, 2)
    assert worker.perform(envelope, max_attempts=1) is Result.PASSED_OVER


def test_a_handler_may_make_another_task_of_the_envelope_and_its_own_is_completed(store, worker):
    earlier = saved(store, "earlier")
    envelope = saved(store)

    def fetch(file, context):
        context.envelope.id = "next"
        store.save(Task(context.envelope))
        context.envelope.id = earlier.id

    worker.does(fetch)
    assert worker.perform(envelope) is Result.COMPLETED
    assert [task.id for task in store.open_tasks("acme.com")] == ["earlier", "next"]


def test_a_task_whose_last_attempt_was_interrupted_is_given_up_by_the_next_worker(store, worker, caplog):
    def fetch(file, context):
        raise SystemExit(3)

    worker.does(fetch)
    envelope = saved(store)
    with pytest.raises(SystemExit):
        worker.perform(envelope, max_attempts=1)
    threading.Event().wait(0.05)
    assert worker.perform(envelope, max_attempts=1) is Result.GIVEN_UP
    assert "task 'a' of 'acme.com' is given up after 2 attempts" in caplog.text
    assert worker.perform(envelope, max_attempts=1) is Result.PASSED_OVER


def test_a_task_that_is_given_up_goes_to_the_dead_letter_list(store, worker):
    envelope = saved(store)
    worker.does(fails)
    options = {"max_attempts": 1, "dead_letter_list": "dead"}
    assert worker.recover("acme.com", **options) == Summary(given_up=1)
    assert list(store.open_tasks("acme.com")) == []
    [letter] = store.open_tasks("dead")
    version = envelope.saved_at.seconds * 1_000_000 + envelope.saved_at.nanos // 1000
    assert (letter.id, letter.attempt) == (f"acme.com/a@{version}", 1)
    assert (letter.data, letter.created_at) == (envelope.data, envelope.created_at)
    at = letter.headers.pop("taskledger-dead-at")
    assert at.endswith("Z")
    assert len(at) == len("2026-01-02T03:04:06.000Z")
    assert dict(letter.headers) == {
        "trace": "1",
        "taskledger-dead-list": "acme.com",
        "taskledger-dead-id": "a",
        "taskledger-dead-attempts": "1",
        "taskledger-dead-reason": "no such host",
    }
    # A dead letter that fails in its list stays there.
    assert worker.recover("dead", **options) == Summary(given_up=1)
    assert worker.recover("dead", **options) == Summary(passed_over=1)
    assert [each.id for each in store.open_tasks("dead")] == [letter.id]


def test_a_long_id_of_a_dead_letter_is_a_hash(store, worker):
    saved(store, "i" * 512)
    worker.does(fails)
    worker.recover("acme.com", max_attempts=1, dead_letter_list="dead")
    [letter] = store.open_tasks("dead")
    assert letter.id.startswith("sha256:")
    assert len(letter.id) == len("sha256:") + 64


def test_a_task_that_its_handler_saved_again_is_no_dead_letter(store, worker):
    envelope = saved(store)

    def fetch(file, context):
        saved(store)
        fails(file, context)

    worker.does(fetch)
    assert worker.perform(envelope, max_attempts=1, dead_letter_list="dead") is Result.PASSED_OVER
    assert (len(list(store.open_tasks("acme.com"))), list(store.open_tasks("dead"))) == (1, [])


def test_a_task_that_can_not_be_put_aside_stays_open_and_is_tried_again(store, worker, caplog):
    envelope = saved(store)
    worker.does(fails)
    save, store.save = store.save, refuse
    assert worker.perform(envelope, max_attempts=1, dead_letter_list="dead", **AT_ONCE) is Result.FAILED
    store.save = save
    assert "TOO_LARGE" in caplog.text
    assert worker.perform(envelope, max_attempts=1, dead_letter_list="dead") is Result.GIVEN_UP


def refuse(task):
    raise TaskError(Code.TOO_LARGE, "it does not fit")


def test_what_was_done_but_could_not_be_completed_is_the_stores_error_and_no_failed_attempt(store, worker):
    envelope = saved(store)
    worker.does(lambda file, context: None)

    def fail(envelope):
        raise TaskError(Code.UNAVAILABLE, "it is away", "unknown")

    complete, store.complete = store.complete, fail
    with pytest.raises(TaskError, match="it is away"):
        worker.perform(envelope, lease=0.01, max_attempts=1)
    store.complete = complete
    assert attempts_at(store)[0] is not None  # the claim expires


def test_a_worker_that_is_stopped_tells_its_handlers_and_releases_what_they_leave(store, worker):
    for id in ("a", "b"):
        saved(store, id)
    begun = []

    def fetch(file, context):
        begun.append(file.filename)
        worker.stop()
        assert context.cancelled.wait(10)
        fails(file, context)

    worker.does(fetch)
    assert worker.recover("acme.com", max_attempts=1, every=60) == Summary(failed=1)
    assert begun == ["a"]
    time.sleep(0.01)  # longer than the wait after a last attempt that was interrupted
    assert store.claim(next(store.open_tasks("acme.com"))).attempt == 2


def test_passes_go_on_until_the_worker_is_stopped(store, worker):
    saved(store, "first")

    def fetch(file, context):
        if file.filename == "last":
            worker.stop()
        else:
            saved(store, "last")

    worker.does(fetch)
    assert worker.recover("acme.com", every=0.01) == Summary(completed=2)


def test_a_claim_is_renewed_while_the_handler_runs(store, worker):
    envelope = saved(store)

    def fetch(file, context):
        first = store.claim_state("acme.com", "a").until
        for _ in range(1000):
            if store.claim_state("acme.com", "a").until > first:
                return
            threading.Event().wait(0.01)
        pytest.fail("it was not renewed")

    worker.does(fetch)
    assert worker.perform(envelope, lease=0.6) is Result.COMPLETED


def test_a_handler_is_told_when_its_claim_is_lost(store, worker, path):
    envelope = saved(store)

    def fetch(file, context):
        run_sql(path, "UPDATE claims SET token = token + 1, owner = 'another'")
        assert context.cancelled.wait(10)

    worker.does(fetch)
    assert worker.perform(envelope, lease=0.3) is Result.COMPLETED


def test_cancelling_an_event_loops_recover_releases_what_its_handlers_had_claimed(store):
    envelope = saved(store)
    worker = AsyncWorker(store)

    async def main():
        begun = asyncio.Event()

        @worker.does(FetchFile)
        async def fetch(file, context):
            begun.set()
            await asyncio.sleep(60)

        recovering = asyncio.create_task(worker.recover("acme.com", older_than=0))
        await begun.wait()
        recovering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await recovering

    asyncio.run(main())
    assert attempts_at(store) == (None, 1)
    assert store.claim(envelope).attempt == 2


def test_cancelling_an_event_loops_recover_releases_a_claim_that_is_just_being_granted(store):
    saved(store)
    worker = AsyncWorker(store)
    claiming, may_go_on = threading.Event(), threading.Event()
    claim = store.claim

    def claim_slowly(*args, **options):
        claiming.set()
        assert may_go_on.wait(10)
        return claim(*args, **options)

    store.claim = claim_slowly

    async def main():
        @worker.does(FetchFile)
        async def fetch(file, context):
            pytest.fail("it is begun")

        recovering = asyncio.create_task(worker.recover("acme.com", older_than=0))
        await asyncio.to_thread(claiming.wait, 10)
        recovering.cancel()
        await asyncio.sleep(0)
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await recovering

    asyncio.run(main())
    assert attempts_at(store) == (None, 1)


def test_an_event_loops_worker_may_wait_in_one_loop_after_another(store):
    worker = AsyncWorker(store)

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(worker.recover("acme.com", every=60), 0.5)

    for _ in range(2):
        asyncio.run(main())


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e300])
@pytest.mark.parametrize("name", ["older_than", "every"])
def test_passes_that_make_no_sense_are_refused(store, name, seconds):
    for worker in (Worker(store).recover, lambda *args, **options: asyncio.run(AsyncWorker(store).recover(*args, **options))):
        with pytest.raises(TaskError) as error:
            worker("acme.com", **{name: seconds})
        assert error.value.code is Code.INVALID_ARGUMENT
        with pytest.raises(TaskError) as error:
            worker("")
        assert error.value.code is Code.INVALID_KEY


@pytest.mark.parametrize(
    "options",
    [
        *({"max_attempts": 0}, {"lease": 0}, {"lease": float("inf")}, {"lease": 1e12}),
        *({"backoff": (-1, 1)}, {"backoff": (1, float("nan"))}, {"backoff": (1e300, 1e300)}),
    ],
)
def test_terms_that_make_no_sense_are_refused(store, worker, options):
    with pytest.raises(TaskError) as error:
        worker.perform(saved(store), **options)
    assert error.value.code is Code.INVALID_ARGUMENT
    assert attempts_at(store) is None


def test_a_dead_letter_list_must_be_a_name_of_a_list(store, worker):
    with pytest.raises(TaskError, match="dead_letter_list") as error:
        worker.recover("acme.com", dead_letter_list="")
    assert error.value.code is Code.INVALID_KEY


def test_a_task_of_the_maximum_size_is_given_up_though_its_dead_letter_is_larger(store, worker):
    envelope = new_envelope("acme.com", FetchFile(), id="full")
    room = MAX_TASK_BYTES - 15 - envelope.ByteSize() - 12
    task = Task(new_envelope("acme.com", FetchFile(filename="x" * room), id="full"))
    store.save(task)
    worker.does(fails)
    assert worker.recover("acme.com", max_attempts=1, dead_letter_list="dead", **AT_ONCE) == Summary(given_up=1)
    assert list(store.open_tasks("acme.com")) == []
    (letter,) = store.open_tasks("dead")
    assert letter.data == task.envelope.data
    assert letter.ByteSize() > MAX_TASK_BYTES


def test_a_dead_letter_that_is_given_up_again_leads_back_to_where_it_came_from_first(store, worker):
    saved(store)
    worker.does(fails)
    for task_list, dead_letter_list in (("acme.com", "dead"), ("dead", "dead again")):
        given_up = worker.recover(task_list, max_attempts=1, dead_letter_list=dead_letter_list, **AT_ONCE)
        assert given_up == Summary(given_up=1)
    (letter,) = store.open_tasks("dead again")
    assert (letter.headers["taskledger-dead-list"], letter.headers["taskledger-dead-id"]) == ("acme.com", "a")


def test_handlers_that_keep_the_event_loops_threads_busy_keep_their_claims(store):
    worker = AsyncWorker(store, concurrency=8)
    were_free = []
    for i in range(8):
        saved(store, str(i))

    @worker.does(FetchFile)
    async def fetch(file, context):
        await asyncio.to_thread(time.sleep, 0.3)
        were_free.append(store.claim(context.envelope, owner="another") is not None)

    async def main():
        # As small as it may be on a small machine.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        return await worker.recover("acme.com", older_than=0, lease=0.9)

    assert asyncio.run(main()) == Summary(completed=8)
    assert were_free == [False] * 8


@pytest.mark.parametrize("how", ["a thread", "a signal handler"])
def test_an_event_loops_worker_is_stopped_from_anywhere(store, how):
    worker = AsyncWorker(store)
    if how == "a signal handler":
        signal.signal(signal.SIGUSR1, lambda *_: worker.stop())
        stop = partial(os.kill, os.getpid(), signal.SIGUSR1)
    else:
        stop = worker.stop

    async def main():
        threading.Timer(0.2, stop).start()
        await asyncio.wait_for(worker.recover("acme.com", older_than=0, every=60), 10)

    asyncio.run(main())
