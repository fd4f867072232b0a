from types import SimpleNamespace

import pytest
from cassandra import InvalidRequest, OperationTimedOut, Unavailable
from example.v1.fetch_file_pb2 import FetchFile
from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger_worker import ledger as ledger_module
from taskledger_worker.ledger import CLOCK_LIMIT, Ledger, Saved, VersionClock, shard_of
from taskledger_worker.wire import TaskError, encode_body, set_version, version_of

START = 1_767_323_046_000_000
MARGIN = 30_000_000
SETTINGS = {"layout": "1", "shards": "8", "data_center": "dc1", "margin": "30000"}


class Now:
    value = START


class FakeSession:
    """Answers reads of settings, and batches as it is told to; its clock is the host's."""

    def __init__(self, *failures):
        self.now = Now()
        self.failures = list(failures)
        self.applied = []
        self.on_apply = lambda: None

    def prepare(self, query):
        return SimpleNamespace(query_string=query)

    def execute(self, statement, values=None, timeout=None):
        if isinstance(statement, FakeBatch):
            self.applied.append(statement.statements)
            self.on_apply()
            if self.failures:
                raise self.failures.pop(0)
            return []
        query = getattr(statement, "query_string", statement)
        if "settings" in query:
            return [SimpleNamespace(name=name, value=value) for name, value in SETTINGS.items()]
        return [SimpleNamespace(now=self.now.value // 1000)] if "toUnixTimestamp" in query else []


class FakeBatch:
    """Keeps what it is given: the driver's would ask for prepared statements."""

    def __init__(self, *_, **__):
        self.statements = []

    def add(self, statement, values):
        self.statements.append((statement.query_string, values))


@pytest.fixture(autouse=True)
def fake_batches(monkeypatch):
    monkeypatch.setattr(ledger_module, "BatchStatement", FakeBatch)


def open_ledger(session, now, limit=CLOCK_LIMIT):
    session.now = now
    return Ledger(session, "tasks", "dc1", clock=VersionClock(lambda: now.value, limit), clock_limit=limit, deadline=0.2)


def new_task():
    envelope = TaskEnvelope(task_list="datto.com", id="a")
    envelope.data.Pack(FetchFile())
    return Saved(envelope)


def test_what_is_not_answered_is_sent_again_as_it_was():
    session, task = FakeSession(OperationTimedOut(), OperationTimedOut()), new_task()
    open_ledger(session, Now()).save(task)
    assert len(session.applied) == 3
    assert session.applied[0] == session.applied[2]
    assert version_of(task.envelope) == START


def test_a_save_that_is_never_answered_may_be_applied():
    session, task, now = FakeSession(), new_task(), Now()
    ledger = open_ledger(session, now)
    ledger.save(task)
    session.failures = [OperationTimedOut()] * 1000
    now.value += 1
    with pytest.raises(TaskError) as error:
        ledger.save(task)
    assert (error.value.code, error.value.outcome) == ("TIMEOUT", "unknown")
    assert (version_of(task.envelope), task.replaced) == (START + 1, [START])


@pytest.mark.parametrize("failure", [InvalidRequest("too large"), Unavailable("one replica is down")])
def test_what_never_came_to_a_replica_is_not_applied(failure):
    session, task = FakeSession(*[failure] * 1000), new_task()
    with pytest.raises(TaskError) as error:
        open_ledger(session, Now()).save(task)
    assert error.value.outcome == "not-applied"
    assert version_of(task.envelope) is None


def save_with_an_answer_after(microseconds):
    session, task, now = FakeSession(), new_task(), Now()

    def stop_the_process():
        if len(session.applied) == 1:
            now.value += microseconds

    session.on_apply = stop_the_process
    open_ledger(session, now).save(task)
    return session, task


def test_a_save_that_is_answered_within_half_the_keyspaces_margin_counts():
    session, task = save_with_an_answer_after(MARGIN // 2 - 1)
    assert version_of(task.envelope) == START
    assert len(session.applied) == 1


def test_a_save_that_is_answered_later_than_that_does_not_count():
    session, task = save_with_an_answer_after(MARGIN // 2)
    assert version_of(task.envelope) == START + MARGIN // 2
    assert len(session.applied) == 3
    assert session.applied[2][0][1][0] == START


class SweptMeanwhile(FakeSession):
    """Has a full page, with the entry of a replaced version. The later one's is there, until the next page is read."""

    saved = new_task().envelope
    set_version(saved, START + 1000)
    pages = [[("a", START), *((f"completed {i}", START + 1 + i) for i in range(ledger_module.PAGE - 1))], []]

    def execute(self, statement, values=None, timeout=None):
        query = getattr(statement, "query_string", "")
        if '"tasks".tasks' in query:
            return [SimpleNamespace(id="a", body=encode_body(self.saved), saved_at=START + 1000)]
        if "AND saved_at = ? AND id = ?" in query:
            return [SimpleNamespace(id="a")]
        if "LIMIT ?" in query and values[1] == shard_of("a", 8):
            return [SimpleNamespace(saved_at=saved_at, id=id) for id, saved_at in self.pages.pop(0)]
        return super().execute(statement, values, timeout)


def test_a_task_is_listed_though_the_entry_of_its_later_version_is_swept_before_the_pass_is_there():
    session = SweptMeanwhile()
    tasks = list(open_ledger(session, Now()).open_tasks("datto.com"))
    assert session.pages == []
    assert tasks == [session.saved]


BAD_MARGINS = [None, "", "6e5", "-30000", "030000", "3_0000", "19999", "2147483648"]


@pytest.mark.parametrize(
    "settings", [{"layout": "2"}, {"data_center": "dc2"}, *({"margin": margin} for margin in BAD_MARGINS)]
)
def test_settings_that_it_can_not_work_with_are_refused(settings, monkeypatch):
    monkeypatch.setitem(globals(), "SETTINGS", {**SETTINGS, **settings})
    with pytest.raises(TaskError) as error:
        open_ledger(FakeSession(), Now())
    assert error.value.code == "SCHEMA_MISMATCH"
