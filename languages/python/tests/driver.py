"""What the tests in test/languages ask of each language. STORE is JSON: how to reach Cassandra, or the path of an SQLite file.

driver.py serve              answers commands, one JSON object a line
driver.py work STORE         does the tasks that come as frames, four at once, and completes them
driver.py list STORE LIST    names the open tasks of a list
driver.py measure STORE LIST lists them, and says how long that took
driver.py fail STORE LIST    makes the errors of test/languages/failures.cassandra.test.ts
"""

import base64
import contextlib
import io
import json
import logging
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import BatchStatement
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

sys.path.append(str(Path(__file__).parent / "gen"))

from example.v1.every_kind_pb2 import EveryKind
from example.v1.fetch_file_pb2 import FetchFile
from example.v1.send_mail_pb2 import SendMail
from example.v1.sizes_pb2 import CopyFile, IndexCatalogue, TranscodeVideo
from memory import most_memory

import taskledger_worker as wire
from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger_worker import Claim, SqliteStore, Task, VersionClock, Worker
from taskledger_worker.cassandra import CassandraStore
from taskledger_worker.frames import tasks_of


def connect(cassandra: dict) -> Session:
    policy = TokenAwarePolicy(DCAwareRoundRobinPolicy(cassandra["dataCenter"]))
    credentials = cassandra.get("credentials")
    cluster = Cluster(
        cassandra["hosts"],
        port=cassandra["port"],
        execution_profiles={EXEC_PROFILE_DEFAULT: ExecutionProfile(policy)},
        auth_provider=PlainTextAuthProvider(**credentials) if credentials else None,
    )
    return cluster.connect()


def open_store(description: dict, session: Session | None = None, **options):
    if "path" in description:
        return SqliteStore(description["path"], **options)
    return CassandraStore(session or connect(description), description["keyspace"], description["dataCenter"], **options)


_TYPES = wire.Types(CopyFile, EveryKind, FetchFile, IndexCatalogue, SendMail, TranscodeVideo)


def _read_all(tasks: Iterable[TaskEnvelope]) -> None:
    """Keeps none, since messages cannot share headers here."""
    for _ in tasks:
        pass


def _read_frames(stream: bytes) -> None:
    for frame in wire.read_frames(io.BytesIO(stream)):
        _read_all(tasks_of(frame))


def _parse_binary(data: bytes) -> object:
    envelope = TaskEnvelope.FromString(data)
    return envelope, _TYPES.message(wire.type_of(envelope)).FromString(envelope.data.value)


_READERS = {
    "batch": lambda data: _read_all(wire.decode_batch(data)),
    "binary": lambda data: wire.decode_data(wire.decode(data), _TYPES),
    "frames": _read_frames,
    "hash": lambda data: wire.from_hash(data.decode(), _TYPES),
}
# What protobuf alone does instead.
_LIBRARY = {"binary": _parse_binary, "hash": lambda data: json_format.Parse(data, TaskEnvelope())}


class FaultySession:
    """Loses the answers to batches, or the batches themselves, when it is told to; its clock stands where it is put."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.fault: str | None = None
        self.now = 0

    def prepare(self, query):
        return self._session.prepare(query)

    def execute_async(self, statement, *args, **options):
        return self._session.execute_async(statement, *args, **options)

    def execute(self, statement, *args, **options):
        if "toUnixTimestamp" in getattr(statement, "query_string", ""):
            return [(self.now // 1000,)]
        lost = self.fault if isinstance(statement, BatchStatement) else None
        if lost != "request":
            result = self._session.execute(statement, *args, **options)
        if lost:  # as an error that is not tried again
            raise wire.TaskError(wire.Code.TIMEOUT, f"the {lost} was lost", "unknown")
        return result


class Server:
    """Answers commands. The store's clock stands where each command puts it."""

    def __init__(self) -> None:
        self._session = None
        self._now = 0

    def answer(self, command: dict) -> dict:
        self._now = int(command.get("now", 0))
        if self._session:
            self._session.fault = command.get("fault")
            self._session.now = int(command.get("serverNow", 0))
        return getattr(self, command["op"])(command)

    def open(self, command: dict) -> dict:
        if "hosts" in command["store"]:
            self._session = self._session or FaultySession(connect(command["store"]))
        clock = VersionClock(lambda: self._now, int(command["clockLimit"])) if "clockLimit" in command else None
        self._store = open_store(command["store"], self._session, clock=clock, deadline=30)
        return {}

    def save(self, command: dict) -> dict:
        task = Task(_decode(command["envelope"]), [int(version) for version in command["replaced"]])
        error = _error_of(lambda: self._store.save(task))
        replaced = [str(version) for version in task.replaced]
        return {"envelope": _encode(task.envelope), "replaced": replaced, "error": error}

    def complete(self, command: dict) -> dict:
        return {"error": _error_of(lambda: self._store.complete(_decode(command["envelope"])))}

    def find(self, command: dict) -> dict:
        found = self._store.find(command["taskList"], command["id"])
        return {"envelope": found and _encode(found)}

    def list(self, command: dict) -> dict:
        older_than = float(command.get("olderThan", 0))
        found = self._store.open_tasks(command["taskList"], older_than=older_than)
        return {"envelopes": [_encode(envelope) for envelope in found]}

    def claim(self, command: dict) -> dict:
        envelope = _decode(command["envelope"])
        claim = self._store.claim(envelope, owner=command["owner"], lease=command["lease"] / 1000)
        return {"claim": claim and _plain(claim)}

    def renew(self, command: dict) -> dict:
        claims: list[Claim] = []
        error = _error_of(lambda: claims.append(self._store.renew(_claim(command), command["lease"] / 1000)))
        return {"claim": _plain(claims[0]) if claims else None, "error": error}

    def release(self, command: dict) -> dict:
        self._store.release(_claim(command), retry_in=command["retryIn"] / 1000)
        return {}

    def forget(self, command: dict) -> dict:
        self._store.forget(_claim(command))
        return {}

    def performInVain(self, command: dict) -> dict:
        """Does a task by a handler that fails."""
        worker = Worker(self._store)

        @worker.does(FetchFile)
        def fetch(file, context) -> None:
            raise RuntimeError("no such host")

        envelope = _decode(command["envelope"])
        options = {"max_attempts": command["maxAttempts"], "dead_letter_list": command.get("deadLetterList")}
        return {"result": worker.perform(envelope, backoff=(0, 0), **options)}

    def cost(self, command: dict) -> dict:
        """What it takes to read some input: milliseconds of the processor, and the most memory at any time."""
        is_alone = command.get("alone", False)
        read_all = (_LIBRARY if is_alone else _READERS)[command["decoder"]]
        refusals = Exception if is_alone else wire.TaskError
        data = base64.b64decode(command["input"])

        def read() -> None:
            with contextlib.suppress(refusals):
                read_all(data)

        memory = most_memory(read)
        start = time.process_time()
        for _ in range(command["repeats"]):
            read()
        return {"time": (time.process_time() - start) * 1000 / command["repeats"], "memory": memory}

    def passOn(self, command: dict) -> dict:
        """Decodes and encodes data by a schema of the command's, in binary and by way of the hash."""
        message = _message_of(base64.b64decode(command["descriptors"]), command["type"])
        types = wire.Types(*([message] if message else []))
        envelope = _decode(command["envelope"])
        data = wire.decode_data(envelope, types)
        if data is not None:
            envelope.data.value = data.SerializeToString(deterministic=True)
        hash = json.dumps(wire.to_hash(envelope, types))
        return {"envelope": _encode(envelope), "hash": hash, "read": _encode(wire.from_hash(hash, types))}


def _plain(claim: Claim) -> dict:
    return {**claim.__dict__, "saved_at": str(claim.saved_at), "token": str(claim.token)}


def _claim(command: dict) -> Claim:
    plain = command["claim"]
    return Claim(**{**plain, "saved_at": int(plain["saved_at"]), "token": int(plain["token"])})


def _message_of(descriptors: bytes, name: str):
    """The message of that name; None where the schema has none."""
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    try:
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    except KeyError:
        return None


def _error_of(act) -> dict | None:
    try:
        act()
    except wire.TaskError as error:
        return {"code": error.code, "outcome": error.outcome}
    return None


def _decode(text: str) -> TaskEnvelope:
    return wire.decode(base64.b64decode(text))


def _encode(envelope: TaskEnvelope) -> str:
    return base64.b64encode(wire.encode(envelope)).decode()


def serve() -> None:
    server = Server()
    for line in sys.stdin:
        _say(server.answer(json.loads(line)))


def work(description: dict) -> None:
    worker = Worker(open_store(description), concurrency=4)
    running, most, lock = 0, 0, threading.Lock()

    def note(data, context: wire.Context) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
            _say({"id": context.envelope.id, "type": data.DESCRIPTOR.full_name, "atOnce": most})

    for message in (FetchFile, SendMail, EveryKind):
        worker.does(message)(note)
    worker.run(sys.stdin.buffer)


def list_open(description: dict, task_list: str) -> None:
    for envelope in open_store(description).open_tasks(task_list):
        _say({"id": envelope.id, "type": wire.type_of(envelope)})


def measure(description: dict, task_list: str) -> None:
    store = open_store(description)
    list(store.open_tasks("another list"))  # what is done once is not counted
    start, first, count = time.monotonic(), 0.0, 0
    for _ in store.open_tasks(task_list):
        first = first or time.monotonic() - start
        count += 1
    _say({"count": count, "first": first * 1000, "total": (time.monotonic() - start) * 1000})
    sys.stdin.read()  # until its memory has been looked at


def fail(description: dict, keyspaces: dict) -> None:
    """Each fault, and the code and outcome that the caller sees."""
    session = connect(description)
    now = SimpleNamespace(offset=0)
    clock = VersionClock(lambda: time.time_ns() // 1000 + now.offset)
    store = open_store(description, session, clock=clock, deadline=2, attempt_timeout=1)
    saved = Task(wire.new_envelope("faults", FetchFile()))
    store.save(saved)

    def save(offset: int = 0) -> None:
        now.offset = offset
        store.save(Task(wire.new_envelope("faults", FetchFile())))

    found = {
        name: _error_of(lambda each=each: open_store({**description, "keyspace": each}, session))
        for name, each in keyspaces.items()
    }
    found["clock ahead"] = _error_of(lambda: save(5_000_000))
    found["clock behind"] = _error_of(lambda: save(-5_000_000))
    now.offset = 0
    found["complete with the clock ahead"] = _error_of(lambda: store.complete(saved.envelope))
    found["bad row"] = [[envelope.id, wire.type_of(envelope)] for envelope in store.open_tasks("bad rows")]
    _say({"found": found})
    sys.stdin.readline()  # the node is killed meanwhile
    found = {"save without a node": _error_of(save), "list without a node": _error_of(lambda: list(store.open_tasks("faults")))}
    session.cluster.shutdown()
    found["closed save"] = _error_of(save)
    found["closed list"] = _error_of(lambda: list(store.open_tasks("faults")))
    _say({"found": found})


def _say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.CRITICAL)
    mode, *arguments = sys.argv[1:]
    if mode == "serve":
        serve()
    elif mode == "fail":
        fail(json.loads(arguments[0]), json.loads(arguments[1]))
    else:
        {"work": work, "list": list_open, "measure": measure}[mode](json.loads(arguments[0]), *arguments[1:])
