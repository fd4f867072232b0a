import re
import threading
import time
from types import SimpleNamespace

import pytest
from cassandra import InvalidRequest, OperationTimedOut, ReadFailure, Unavailable
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import OverloadedErrorMessage
from example.v1.fetch_file_pb2 import FetchFile

from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger_worker import ClaimState, Code, Task, TaskError, VersionClock, is_damaged, version_of
from taskledger_worker.cassandra import CassandraStore, list_names, listing, settings_guard, shard_of
from taskledger_worker.cassandra import session as session_module
from taskledger_worker.clock import CLOCK_LIMIT
from taskledger_worker.envelope import encode_body

START = 1_767_323_046_000_000
GRACE_PERIOD = 30_000_000
SETTINGS = {"layout": "1", "shards": "8", "data_center": "dc1", "grace_period": "30000"}
TABLES = {
    "tasks": ["task_list", "shard", "id", "body"],
    "open_tasks": ["task_list", "shard", "saved_at", "id", "size"],
    "sweeps": ["task_list", "shard", "swept_to", "ranges"],
    "claims": ["task_list", "id", "saved_at", "owner", "fencing_token", "attempt", "ends_at"],
    "lists": ["bucket", "task_list", "noted_at"],
    "settings": ["name", "value"],
}


class Now:
    value = START


class FakeSession:
    """Answers reads of settings, and batches as it is told to; its clock is the host's."""

    is_shutdown = False

    def __init__(self, *failures):
        self.now = Now()
        self.failures = list(failures)
        self.applied = []
        # The parameters of the notes of lists, and what comes to these: `failures` come to all other batches.
        self.noted = []
        self.note_failures = []
        self.on_apply = lambda: None
        self.settings = dict(SETTINGS)
        self.columns = [(table, column) for table, columns in TABLES.items() for column in columns]
        self.options = dict.fromkeys(TABLES, ("BLOCKING", 0, 864000))

    def prepare(self, query):
        return SimpleNamespace(query_string=query)

    def execute_async(self, statement, values=None, timeout=None):
        return SimpleNamespace(result=lambda: self.execute(statement, values, timeout))

    def execute(self, statement, values=None, timeout=None):
        if isinstance(statement, FakeBatch):
            return self.apply(statement.statements)
        query = statement.query_string
        if "system_schema.columns" in query:
            return self.columns
        if "system_schema.tables" in query:
            return [(table, *options) for table, options in self.options.items()]
        if "settings" in query:
            return [{"name": name, "value": value} for name, value in self.settings.items() if value is not None]
        if "toUnixTimestamp" in query:
            return [(self.now.value // 1000,)]
        return self.read(query, values)

    def apply(self, statements):
        query, values = statements[0]
        if ".lists " in query:
            self.noted.append(values)
            failures = self.note_failures
        else:
            self.applied.append(statements)
            self.on_apply()
            failures = self.failures
        if failures:
            raise failures.pop(0)
        return []

    def read(self, query, values):
        return []


class FakeBatch:
    """Keeps what it is given: the driver's would ask for prepared statements."""

    def __init__(self, *_, **__):
        self.statements = []

    def add(self, statement, values):
        self.statements.append((statement.query_string, values))


@pytest.fixture(autouse=True)
def fake_batches(monkeypatch):
    monkeypatch.setattr(session_module, "BatchStatement", FakeBatch)


def open_store(session, now, limit=CLOCK_LIMIT):
    session.now = now
    return CassandraStore(session, "tasks", "dc1", clock=VersionClock(lambda: now.value, limit), deadline=0.5)


def new_task(id="a"):
    envelope = TaskEnvelope(task_list="datto.com", id=id)
    envelope.data.Pack(FetchFile())
    return Task(envelope)


def failure_of(act):
    with pytest.raises(TaskError) as error:
        act()
    return error.value.code, error.value.outcome


def test_what_is_not_answered_is_sent_again_as_it_was():
    session, task = FakeSession(OperationTimedOut(), OperationTimedOut()), new_task()
    open_store(session, Now()).save(task)
    assert len(session.applied) == 3
    assert session.applied[0] == session.applied[2]
    assert version_of(task.envelope) == START


def test_a_save_that_is_never_answered_may_be_applied():
    session, task, now = FakeSession(), new_task(), Now()
    store = open_store(session, now)
    store.save(task)
    session.failures = [OperationTimedOut()] * 1000
    now.value += 1
    assert failure_of(lambda: store.save(task)) == (Code.TIMEOUT, "unknown")
    assert (version_of(task.envelope), task.replaced) == (START + 1, [START])


OVERLOADED = OverloadedErrorMessage(0x1001, "busy", {})


@pytest.mark.parametrize(
    ("failure", "code", "outcome"),
    [
        (InvalidRequest("Mutation is too large"), Code.TOO_LARGE, "not-applied"),
        (InvalidRequest("unconfigured table tasks"), Code.SCHEMA_MISMATCH, "not-applied"),
        (Unavailable("one replica is down"), Code.UNAVAILABLE, "not-applied"),
        (NoHostAvailable("none", {}), Code.UNAVAILABLE, "not-applied"),
        (NoHostAvailable("none", {"a": OperationTimedOut()}), Code.TIMEOUT, "unknown"),
        (OVERLOADED, Code.OVERLOADED, "unknown"),
    ],
)
def test_a_failed_save_has_a_code_and_says_whether_it_may_be_applied(failure, code, outcome):
    session, task = FakeSession(*[failure] * 1000), new_task()
    assert failure_of(lambda: open_store(session, Now()).save(task)) == (code, outcome)
    assert (version_of(task.envelope) is None) == (outcome == "not-applied")


def test_a_failed_read_is_never_unknown():
    session = FakeSession()
    store = open_store(session, Now())
    session.read = lambda query, values: (_ for _ in ()).throw(OperationTimedOut())
    assert failure_of(lambda: store.find("datto.com", "a")) == (Code.TIMEOUT, "not-applied")
    assert failure_of(lambda: list(store.open_tasks("datto.com"))) == (Code.TIMEOUT, "not-applied")


def test_a_session_that_was_shut_down_is_closed_at_once():
    session = FakeSession()
    store = open_store(session, Now())
    session.is_shutdown = True
    assert failure_of(lambda: store.save(new_task())) == (Code.CLOSED, "not-applied")
    assert failure_of(lambda: store.find("datto.com", "a")) == (Code.CLOSED, "not-applied")


def calls_of(store, saved):
    return {
        "save": lambda: store.save(new_task()),
        "complete": lambda: store.complete(saved),
        "find": lambda: store.find("datto.com", "a"),
        "list": lambda: list(store.open_tasks("datto.com")),
        "claim": lambda: store.claim(saved),
    }


def saved_envelope():
    envelope = new_task().envelope
    envelope.saved_at.seconds = START // 1_000_000
    return envelope


@pytest.mark.parametrize("change", [{"shards": "16"}, {"grace_period": "90000"}, {"data_center": "*"}, {"shards": None}])
def test_a_keyspace_that_was_made_anew_is_refused_once_the_clocks_are_compared_again(change):
    session, now = FakeSession(), Now()
    store = open_store(session, now)
    store.save(new_task())
    session.applied.clear()
    session.settings.update(change)
    now.value += CLOCK_LIMIT  # it was set
    for call in calls_of(store, saved_envelope()).values():
        assert failure_of(call) == (Code.SCHEMA_MISMATCH, "not-applied")
    assert session.applied == []


@pytest.mark.parametrize("name", ["save", "complete", "find", "list", "claim"])
def test_each_call_notices_it_after_a_while_and_that_it_is_as_it_was(monkeypatch, name):
    monkeypatch.setattr(settings_guard, "_INTERVAL", 0)
    monkeypatch.setattr(settings_guard, "_SOON", 0)
    session = FakeSession()
    store = open_store(session, Now())
    session.settings["shards"] = "16"
    assert failure_of(calls_of(store, saved_envelope())[name]) == (Code.SCHEMA_MISMATCH, "not-applied")
    session.settings["shards"] = "8"
    store.complete(saved_envelope())


def test_settings_that_can_not_be_read_are_in_nobodys_way(monkeypatch):
    monkeypatch.setattr(settings_guard, "_INTERVAL", 0)
    session = FakeSession()
    store = open_store(session, Now())
    session.settings = SimpleNamespace(items=lambda: (_ for _ in ()).throw(Unavailable("two replicas are down")))
    store.complete(saved_envelope())
    assert len(session.applied) == 1


@pytest.mark.parametrize(
    "change",
    [{"id": ""}, {"task_list": "a\0"}, {"id": "i" * 513}, {"created_at": {"seconds": 10**12}}, {"data": {"type_url": "x/"}}],
)
def test_nothing_is_sent_that_nobody_could_read(change):
    session, task = FakeSession(), new_task()
    fields = {"task_list": "datto.com", "id": "a", "data": {"type_url": "x/acme.v1.A"}, **change}
    task.envelope = TaskEnvelope(**fields)
    assert failure_of(lambda: open_store(session, Now()).save(task)) == (Code.INVALID_ENVELOPE, "not-applied")
    assert session.applied == []


def test_a_task_that_would_be_too_large_once_it_is_saved_is_not_sent():
    session, task = FakeSession(), new_task()
    task.envelope.headers["pad"] = "x" * (1024 * 1024 - task.envelope.ByteSize() - 18)
    assert task.envelope.ByteSize() <= 1024 * 1024
    assert failure_of(lambda: open_store(session, Now()).save(task)) == (Code.TOO_LARGE, "not-applied")
    assert session.applied == []


def save_with_an_answer_after(microseconds):
    session, task, now = FakeSession(), new_task(), Now()

    def stop_the_process():
        if len(session.applied) == 1:
            now.value += microseconds

    session.on_apply = stop_the_process
    open_store(session, now).save(task)
    return session, task


def test_a_save_that_is_answered_within_half_the_grace_period_counts():
    session, task = save_with_an_answer_after(GRACE_PERIOD // 2 - 1)
    assert version_of(task.envelope) == START
    assert len(session.applied) == 1


def test_a_save_that_is_answered_later_than_that_does_not_count():
    session, task = save_with_an_answer_after(GRACE_PERIOD // 2)
    assert version_of(task.envelope) == START + GRACE_PERIOD // 2
    assert len(session.applied) == 3
    assert session.applied[2][0][1][0] == START


HOUR = 3_600_000_000
BUCKET = 13541 % 16  # of "file1.txt", as docs/protocol.md works it out


def save_to(store, task_list, id="a"):
    task = new_task(id)
    task.envelope.task_list = task_list
    store.save(task)


def test_a_list_is_noted_by_the_first_save_and_again_after_an_hour():
    session, now = FakeSession(), Now()
    store = open_store(session, now)
    save_to(store, "file1.txt", "a")
    now.value += HOUR - 1
    save_to(store, "file1.txt", "b")
    assert session.noted == [(BUCKET, "file1.txt", START, START)]
    now.value += 1
    save_to(store, "file1.txt", "c")
    assert session.noted[1:] == [(BUCKET, "file1.txt", START + HOUR, START + HOUR)]


def test_a_list_is_noted_again_by_a_clock_that_was_set_back():
    session, now = FakeSession(), Now()
    store = open_store(session, now)
    save_to(store, "datto.com", "a")
    now.value -= 1000
    save_to(store, "datto.com", "b")
    assert [at for _, _, at, _ in session.noted] == [START, START - 1000]


def test_each_list_is_noted_by_itself():
    session = FakeSession()
    store = open_store(session, Now())
    for task_list in ["a.com", "b.com", "a.com", "b.com"]:
        save_to(store, task_list)
    assert session.noted == [(shard_of(name, 16), name, START, START) for name in ["a.com", "b.com"]]


def test_a_note_that_is_not_answered_is_sent_again_as_it_was():
    session = FakeSession()
    session.note_failures = [OperationTimedOut()]
    save_to(open_store(session, Now()), "datto.com")
    assert len(session.noted) == 2
    assert session.noted[0] == session.noted[1]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Unavailable("one replica is down"), Code.UNAVAILABLE),
        (InvalidRequest("unconfigured table lists"), Code.SCHEMA_MISMATCH),
        (OperationTimedOut(), Code.TIMEOUT),
    ],
)
def test_a_save_whose_list_can_not_be_noted_may_be_applied(failure, code):
    session, task = FakeSession(), new_task()
    store = open_store(session, Now())
    task.envelope.saved_at.CopyFrom(saved_envelope().saved_at)
    task.replaced = [START - 3]
    session.note_failures = [failure] * 1000
    with pytest.raises(TaskError, match="its list could not be noted") as error:
        store.save(task)
    assert (error.value.code, error.value.outcome) == (code, "unknown")
    # What it replaces is kept until a save is sure.
    assert (version_of(task.envelope), task.replaced) == (START + 1, [START, START - 3])
    assert len(session.applied) == 1
    session.note_failures = []
    session.noted.clear()
    store.save(task)
    assert (len(session.noted), task.replaced) == (1, [])


def test_no_list_is_noted_for_a_save_that_failed():
    session = FakeSession(InvalidRequest("Mutation is too large"))
    assert failure_of(lambda: open_store(session, Now()).save(new_task())) == (Code.TOO_LARGE, "not-applied")
    assert session.noted == []


def test_so_many_lists_are_known_and_then_all_are_noted_anew(monkeypatch):
    monkeypatch.setattr(list_names, "_MAX_KNOWN", 3)
    session = FakeSession()
    store = open_store(session, Now())
    for task_list in ["a", "b", "c", "a", "d", "a", "d"]:
        save_to(store, task_list)
    assert [task_list for _, task_list, _, _ in session.noted] == ["a", "b", "c", "d", "a"]


class Listed(FakeSession):
    """Has one list: its entries in the shard of "a", and its rows."""

    def __init__(self, entries, rows):
        super().__init__()
        self.entries = entries
        self.rows = {row[0]: row for row in rows}
        self.reads = []
        self.shard = shard_of("a", 8)

    def read(self, query, values):
        if ".tasks" in query:
            ids = values[2]
            self.reads.append([self.rows[id] for id in ids if id in self.rows])
            return self.reads[-1]
        if "LIMIT ?" in query and values[1] == self.shard:
            _, _, at, id, up_to, limit = values
            found = [entry for entry in self.entries if (at, id) < entry[:2] and entry[0] <= up_to]
            return found[:limit]
        return []


def body_of(id="a"):
    return encode_body(new_task(id).envelope)


def test_a_task_is_listed_though_the_entry_of_its_later_version_is_swept_before_the_pass_is_there():
    class SweptMeanwhile(Listed):
        """A full page has the entry of a replaced version. The later one's is there until the next page is read."""

        def read(self, query, values):
            found = super().read(query, values)
            self.entries = [entry for entry in self.entries if entry[0] != START + 1000]
            return found

    others = [(START + 1 + i, f"completed {i}", 10) for i in range(listing.PAGE_ROWS - 1)]
    session = SweptMeanwhile([(START, "a", 10), *others, (START + 1000, "a", 10)], [("a", body_of(), START + 1000)])
    tasks = list(open_store(session, Now()).open_tasks("datto.com"))
    assert [version_of(task) for task in tasks] == [START + 1000]


def test_a_page_of_tasks_is_bounded_in_bytes():
    ids = [f"{i}" for i in range(40)]
    size = 900_000
    session = Listed(
        [(START + i, id, size) for i, id in enumerate(ids)], [(id, body_of(id), START + i) for i, id in enumerate(ids)]
    )
    assert [task.id for task in open_store(session, Now()).open_tasks("datto.com")] == ids
    assert max(map(len, session.reads)) == listing.PAGE_BYTES // size


def test_a_list_of_many_shards_is_opened_by_few_queries_and_its_first_page_is_small():
    class Many(Listed):
        opening = 0

        def read(self, query, values):
            self.opening += not self.reads and ".tasks" not in query
            return super().read(query, values)

    ids = [f"{i}" for i in range(600)]
    session = Many(
        [(START + i, id, 10) for i, id in enumerate(ids)], [(id, body_of(id), START + i) for i, id in enumerate(ids)]
    )
    session.settings["shards"] = "64"
    session.shard = shard_of("a", 64)
    assert [task.id for task in open_store(session, Now()).open_tasks("datto.com")] == ids
    # Four of what was swept, four of what is past the bound, and one of the entries of each shard.
    assert session.opening == 4 + 4 + 64
    assert [len(rows) for rows in session.reads] == [16, 256, 244, 84]


def test_what_was_swept_is_not_read():
    class Swept(Listed):
        def read(self, query, values):
            if ".sweeps" in query:
                return [(self.shard, [START, START + 4])] if self.shard in values[1] else []
            return super().read(query, values)

    places = {"a": START, "swept": START + 2, "b": START + 4}
    session = Swept([(at, id, 10) for id, at in places.items()], [(id, body_of(id), at) for id, at in places.items()])
    assert [task.id for task in open_store(session, Now()).open_tasks("datto.com")] == ["a", "b"]


def test_rows_that_are_no_tasks_come_as_damaged_ones_and_stop_nobody():
    rows = [("bytes", b"\xff", START), ("other", body_of("x"), START + 1), ("a", body_of(), START + 2), ("null", None, None)]
    session = Listed([(START + i, row[0], 10) for i, row in enumerate(rows)], rows)
    store = open_store(session, Now())
    found = list(store.open_tasks("datto.com"))
    assert [(task.id, version_of(task), is_damaged(task)) for task in found] == [
        ("bytes", START, True),
        ("other", START + 1, True),
        ("a", START + 2, False),
    ]
    assert found[0].data.value.endswith(b"\xff")
    store.complete(found[0])
    assert session.applied[0][0][1] == (START, "datto.com", shard_of("bytes", 8), "bytes")


def test_a_stretch_of_more_tombstones_than_a_read_may_meet_is_read_in_parts():
    class Heavy(Listed):
        narrowest = 0

        def read(self, query, values):
            if "LIMIT ?" in query and values[1] == shard_of("a", 8):
                width = values[4] - values[2]
                if width > 1_000_000_000_000:
                    raise ReadFailure("too many tombstones", error_code_map={"127.0.0.1": 1})
                self.narrowest = self.narrowest or width
            return super().read(query, values)

    session = Heavy([(START, "a", 10)], [("a", body_of(), START)])
    assert [task.id for task in open_store(session, Now()).open_tasks("datto.com")] == ["a"]
    assert session.narrowest > 0


def test_older_tasks_are_listed_and_those_of_a_clock_that_was_wrong():
    now = Now()
    wild = START + 100_000_000
    places = {"old": START - 61_000_000, "young": START - 59_000_000, "wild": wild}

    class OneShard(Listed):
        def read(self, query, values):
            shard = shard_of("a", 8)
            if "DESC LIMIT 1" in query and values[1] == shard:
                return [(shard, wild)]
            if "PER PARTITION LIMIT 1" in query and shard in values[1]:
                return [(shard,)]
            return super().read(query, values)

    session = OneShard([(at, id, 10) for id, at in places.items()], [(id, body_of(id), at) for id, at in places.items()])
    found = open_store(session, now).open_tasks("datto.com", older_than=60)
    assert [task.id for task in found] == ["old", "wild"]


class Dicts(Listed):
    """Its rows are dictionaries, as with the driver's dict_factory; it keeps one row of claims."""

    claim = None

    def read(self, query, values):
        if query.startswith("UPDATE"):
            self.claim = (*self.claim[:4], values[0]) if "ends_at < ?" in query else values[:5]
            return Applied([{"[applied]": True}])
        rows = [self.claim or (None,) * 5] if ".claims" in query else super().read(query, values)
        names = re.match("SELECT (.*) FROM", query)[1].split(", ")
        return [dict(zip(names, row)) for row in rows]


class Applied(list):
    column_names = ["[applied]"]


def test_rows_may_come_as_dictionaries():
    session, now = Dicts([(START, "a", 10)], [("a", body_of(), START)]), Now()
    store = open_store(session, now)
    found = store.find("datto.com", "a")
    assert version_of(found) == START
    now.value += 1000
    assert list(store.open_tasks("datto.com")) == [found]
    assert store.claim_state("datto.com", "a") is None
    claim = store.claim(found, owner="A", lease=10)
    assert (claim.attempt, claim.until) == (1, now.value // 1000 + 10_000)
    assert store.renew(claim, 20).until == claim.until + 10_000
    assert store.claim_state("datto.com", "a") == ClaimState(START, "A", claim.token, 1, claim.until + 10_000)
    assert store.claim(found, owner="B") is None


def test_the_name_of_a_mark_is_no_workers():
    session = Dicts([(START, "a", 10)], [("a", body_of(), START)])
    store = open_store(session, Now())
    task = store.find("datto.com", "a")
    assert failure_of(lambda: store.claim(task, owner="taskledger.redelivery")) == (Code.INVALID_ARGUMENT, "not-applied")
    assert session.claim is None


def test_threads_share_a_store():
    class Slow(Listed):
        def execute(self, *args, **options):
            time.sleep(0.0005)  # another thread goes on
            return super().execute(*args, **options)

    session = Slow([(START, "a", 10)], [("a", body_of(), START)])
    store = open_store(session, Now())
    saved, failures = [], []

    def work(name):
        try:
            for i in range(25):
                task = new_task(f"{name} {i}")
                store.save(task)
                saved.append((task.envelope.id, version_of(task.envelope)))
                assert store.find("datto.com", "a").id == "a"
                assert [each.id for each in store.open_tasks("datto.com")] == ["a"]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {task_list for _, task_list, _, _ in session.noted} == {"datto.com"}
    assert len(session.noted) <= 4
    # Each has a version of its own, and both its rows were written at it.
    assert len({version for _, version in saved}) == 100
    written = {(row[1][2], row[1][-1], entry[1][2], entry[1][-1]) for row, entry in session.applied}
    assert written == {(id, version, version, version) for id, version in saved}


BAD_GRACE_PERIODS = [None, "", "6e5", "-30000", "030000", "3_0000", "19999", "2147483648"]
BAD_SHARDS = [None, "", "0", "3", "-8", "131072", "8.0", "٨"]


@pytest.mark.parametrize(
    "settings",
    [
        {"layout": "2"},
        {"data_center": "dc2"},
        *({"grace_period": grace_period} for grace_period in BAD_GRACE_PERIODS),
        *({"shards": shards} for shards in BAD_SHARDS),
    ],
)
def test_settings_that_it_can_not_work_with_are_refused(settings):
    session = FakeSession()
    session.settings.update(settings)
    assert failure_of(lambda: open_store(session, Now())) == (Code.SCHEMA_MISMATCH, "not-applied")


@pytest.mark.parametrize("options", [("NONE", 0, 864_000), ("BLOCKING", 4, 864_000), ("BLOCKING", 0, 60)])
@pytest.mark.parametrize("table", ["tasks", "open_tasks", "sweeps", "claims", "lists"])
def test_table_options_that_would_lose_tasks_are_refused(table, options):
    session = FakeSession()
    session.options[table] = options
    assert failure_of(lambda: open_store(session, Now())) == (Code.SCHEMA_MISMATCH, "not-applied")


@pytest.mark.parametrize("table", TABLES)
def test_a_keyspace_without_one_of_the_tables_is_refused_when_it_is_opened(table):
    session = FakeSession()
    session.columns = [each for each in session.columns if each[0] != table]
    assert failure_of(lambda: open_store(session, Now())) == (Code.SCHEMA_MISMATCH, "not-applied")
