import os
import sqlite3
import threading

import pytest
from conftest import run_sql
from example.v1.fetch_file_pb2 import FetchFile

from taskledger_worker import ClaimState, Code, SqliteStore, Task, TaskError, VersionClock, is_damaged, new_envelope, version_of
from taskledger_worker import sqlite as sqlite_module

START = 1_767_323_046_000_000
SECOND = 1_000_000


class Now:
    value = START


@pytest.fixture
def now():
    return Now()


@pytest.fixture
def store(path, now):
    with SqliteStore(path, clock=VersionClock(lambda: now.value), deadline=0.1) as store:
        yield store


def new_task(id="a"):
    return Task(new_envelope("acme.com", FetchFile(filename=id), id=id))


def saved(store, id="a"):
    task = new_task(id)
    store.save(task)
    return task


def failure_of(act):
    with pytest.raises(TaskError) as error:
        act()
    return error.value.code, error.value.outcome


def ids_of(tasks):
    return [task.id for task in tasks]


def test_a_saved_task_is_found_listed_and_completed(store):
    task = saved(store)
    assert version_of(task.envelope) == START
    assert store.find("acme.com", "a") == task.envelope
    assert list(store.open_tasks("acme.com")) == [task.envelope]
    store.complete(task.envelope)
    assert store.find("acme.com", "a") is None


def test_completing_leaves_a_later_version(store):
    first = saved(store)
    second = saved(store)
    store.complete(first.envelope)
    assert store.find("acme.com", "a") == second.envelope


def test_versions_rise_though_the_clock_is_set_back_and_the_time_is_kept_beside_them(store, now, path):
    saved(store)
    now.value -= 60 * SECOND
    task = saved(store, "b")
    assert version_of(task.envelope) == START + 1
    row = run_sql(path, "SELECT saved_time FROM tasks WHERE id = 'b'")
    assert row == (now.value,)
    assert run_sql(path, "SELECT * FROM ledger") == (START + 1, START + 1)
    now.value += 61 * SECOND
    assert ids_of(store.open_tasks("acme.com", older_than=30)) == ["b"]
    assert ids_of(store.open_tasks("acme.com", older_than=0.5)) == ["a", "b"]


def test_what_replaces_a_version_that_this_file_can_not_have_given_is_refused(store):
    task = new_task()
    task.replaced = [START + 3 * SECOND]
    assert failure_of(lambda: store.save(task)) == (Code.CLOCK_SKEW, "not-applied")
    task.replaced = [START + SECOND]
    store.save(task)
    assert version_of(task.envelope) == START + SECOND + 1


def test_tasks_that_a_wrong_clock_saved_are_old(store, now):
    now.value += 3600 * SECOND
    saved(store, "wild")
    now.value -= 3600 * SECOND
    assert ids_of(store.open_tasks("acme.com", older_than=60)) == ["wild"]


def test_a_retry_that_a_wrong_clock_noted_is_due_once_it_is_right(store, now):
    envelope = saved(store).envelope
    now.value += 3600 * SECOND
    store.release(store.claim(envelope, owner="a"), retry_in=1)
    assert store.claim(envelope, owner="b") is None
    now.value -= 3590 * SECOND
    claim = store.claim(envelope, owner="b")
    assert claim.attempt == 2
    assert store.claim(envelope, owner="c") is None  # a lease is its holder's, whatever its token
    store.release(claim, retry_in=60)
    now.value += 59 * SECOND
    assert store.claim(envelope, owner="c") is None
    now.value += SECOND
    assert store.claim(envelope, owner="c").attempt == 3


def test_a_list_is_read_in_pages_bounded_in_rows_and_bytes_and_holds_nothing_between_two(store, monkeypatch):
    monkeypatch.setattr(sqlite_module, "PAGE_ROWS", 3)
    monkeypatch.setattr(sqlite_module, "PAGE_BYTES", 100)
    for i in range(10):
        saved(store, str(i))
    found = []
    for task in store.open_tasks("acme.com"):
        found.append(task.id)
        store.complete(task)
        saved(store, f"new {task.id}")  # what is saved from now on is for the next pass
    assert found == [str(i) for i in range(10)]


@pytest.mark.parametrize("version", [-1_500_000, 0, 253_402_300_800_000_005, 2**63 - 1])
def test_a_version_of_no_clock_is_listed_and_completed_like_any_other(store, path, version):
    for id in ("a", "b"):
        saved(store, id)
    run_sql(path, "UPDATE tasks SET saved_at = ? WHERE id = 'a'", version)
    tasks = {task.id: task for task in store.open_tasks("acme.com")}
    assert {id: version_of(task) for id, task in tasks.items()} == {"a": version, "b": START + 1}
    store.complete(tasks["a"])
    assert ids_of(store.open_tasks("acme.com")) == ["b"]


@pytest.mark.parametrize("token", [1_796_142_880_201_638_000, 2**63 - 1])
def test_a_token_of_no_clock_keeps_no_claim_and_no_save_from_being_made(store, path, token):
    task = saved(store).envelope
    store.release(store.claim(task))
    run_sql(path, "UPDATE claims SET token = ?", token)
    assert START < store.claim(task).token < START + SECOND
    assert START < version_of(saved(store, "b").envelope) < START + SECOND


def test_a_row_whose_id_is_no_text_keeps_no_other_from_being_read(store, path):
    for id in ("a", "b"):
        saved(store, id)
    run_sql(path, "UPDATE tasks SET id = CAST(x'fffe' AS TEXT) WHERE id = 'a'")
    damaged, good = store.open_tasks("acme.com")
    assert (damaged.id, is_damaged(damaged), good.id) == ("\ufffd\ufffd", True, "b")


def test_bytes_that_are_no_task_come_as_a_damaged_one_and_can_be_completed(store, path):
    saved(store)
    run_sql(path, "UPDATE tasks SET body = x'ff'")
    [task] = store.open_tasks("acme.com")
    assert (task.id, version_of(task), is_damaged(task)) == ("a", START, True)
    store.complete(task)
    assert list(store.open_tasks("acme.com")) == []


def test_a_claim_keeps_others_away_until_its_lease_ends(store, now):
    task = saved(store).envelope
    claim = store.claim(task, owner="A", lease=10)
    assert (claim.attempt, claim.token, claim.until) == (1, START + 1, START // 1000 + 10_000)
    assert store.claim(task, owner="B", lease=10) is None
    assert store.renew(claim, 20).until == START // 1000 + 20_000
    now.value += 20 * SECOND
    other = store.claim(task, owner="B", lease=10)
    assert (other.attempt, other.token > claim.token) == (2, True)
    assert failure_of(lambda: store.renew(claim)) == (Code.CLAIM_LOST, "not-applied")


def test_a_released_task_may_be_claimed_again_after_its_wait(store, now):
    task = saved(store).envelope
    store.release(store.claim(task, owner="A"), retry_in=5)
    assert store.claim(task, owner="A") is None
    now.value += 5 * SECOND
    assert store.claim(task, owner="B").attempt == 2


def test_the_name_of_a_mark_is_no_workers(store):
    task = saved(store).envelope
    assert failure_of(lambda: store.claim(task, owner="taskledger.redelivery")) == (Code.INVALID_ARGUMENT, "not-applied")
    assert store.claim_state("acme.com", "a") is None


def test_what_is_remembered_of_a_tasks_claims_is_told(store):
    task = saved(store).envelope
    assert store.claim_state("acme.com", "a") is None
    claim = store.claim(task, owner="A", lease=10)
    assert store.claim_state("acme.com", "a") == ClaimState(START, "A", claim.token, 1, claim.until)
    store.release(claim)
    assert store.claim_state("acme.com", "a") == ClaimState(START, None, claim.token, 1, 0)


def test_completing_forgets_the_claims(store):
    task = saved(store)
    store.claim(task.envelope)
    store.complete(task.envelope)
    assert store.claim(task.envelope) is None
    assert store.claim(saved(store).envelope).attempt == 1


def test_what_nobody_could_read_is_not_saved(store):
    task = new_task()
    task.envelope.id = ""
    assert failure_of(lambda: store.save(task)) == (Code.INVALID_ENVELOPE, "not-applied")


def test_another_writer_is_waited_for_up_to_the_deadline(store, path):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    assert failure_of(lambda: store.save(new_task())) == (Code.UNAVAILABLE, "not-applied")
    timer = threading.Timer(0.05, lambda: other.execute("ROLLBACK"))
    timer.start()
    with SqliteStore(path) as patient:
        saved(patient)
    timer.join()
    other.close()


def test_threads_share_a_store(store):
    def work(name):
        for i in range(25):
            saved(store, f"{name} {i}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = [version_of(task) for task in store.open_tasks("acme.com")]
    assert len(versions) == 100
    assert versions == sorted(set(versions))


def test_an_interrupt_that_comes_as_a_write_begins_keeps_no_later_one_from_being_made(store, monkeypatch):
    begin = store._begin

    def interrupted():
        begin()
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.save(new_task())
    monkeypatch.undo()
    saved(store, "b")
    assert ids_of(store.open_tasks("acme.com")) == ["b"]


@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_nothing_is_acknowledged_that_was_written_to_a_file_that_is_gone(store, path, change):
    saved(store)
    os.rename(path, f"{path}.moved")
    if change == "replaced":
        path.touch()
    assert failure_of(lambda: store.save(new_task("b"))) == (Code.UNAVAILABLE, "not-applied")
    assert failure_of(lambda: store.find("acme.com", "a")) == (Code.UNAVAILABLE, "not-applied")


def test_a_file_that_is_not_there_or_another_programs_is_refused(tmp_path, path):
    assert failure_of(lambda: SqliteStore(tmp_path / "none.db"))[0] is Code.UNAVAILABLE
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("no database at all, but a text")
    assert failure_of(lambda: SqliteStore(tmp_path / "text.db"))[0] is Code.UNAVAILABLE
    run_sql(tmp_path / "other.db", "CREATE TABLE t (a)")
    assert failure_of(lambda: SqliteStore(tmp_path / "other.db"))[0] is Code.SCHEMA_MISMATCH
    run_sql(path, "PRAGMA user_version = 2")
    assert failure_of(lambda: SqliteStore(path))[0] is Code.SCHEMA_MISMATCH


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_store_that_was_opened_before_a_fork_says_so_and_does_not_hang(store):
    task = saved(store)
    with store._lock:  # as by another thread
        child = os.fork()
        if child == 0:
            try:
                codes = [
                    failure_of(act)[0] for act in (lambda: store.find("acme.com", "a"), lambda: store.complete(task.envelope))
                ]
                store.close()
                os._exit(0 if codes == [Code.CLOSED, Code.CLOSED] else 1)
            finally:
                os._exit(2)
        hangs = threading.Timer(10, lambda: os.kill(child, 9))
        hangs.start()
        _, status = os.waitpid(child, 0)
        hangs.cancel()
    assert status == 0
    assert store.find("acme.com", "a") == task.envelope


def test_a_closed_store_says_so(store):
    store.close()
    assert failure_of(lambda: store.save(new_task()))[0] is Code.CLOSED
    assert failure_of(lambda: store.find("acme.com", "a"))[0] is Code.CLOSED


def test_an_older_sqlite_never_copies_the_log_into_the_file(store):
    [pages] = store._database.execute("PRAGMA wal_autocheckpoint").fetchone()
    assert (pages == 0) == (sqlite3.sqlite_version_info < (3, 51, 3))
    assert store._database.execute("PRAGMA synchronous").fetchone() == (2,)
