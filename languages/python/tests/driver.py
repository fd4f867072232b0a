"""What the tests in test/languages ask of each language.

    driver.py serve            answers commands, one JSON object a line
    driver.py work CASSANDRA   does the tasks that come as frames, and completes them
    driver.py list CASSANDRA LIST   names the open tasks of a list
"""

import base64
import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "gen")]

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import BatchStatement
from example.v1.every_kind_pb2 import EveryKind
from example.v1.fetch_file_pb2 import FetchFile
from example.v1.send_mail_pb2 import SendMail
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger_worker import wire
from taskledger_worker.ledger import Ledger, Saved, VersionClock


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


class FaultySession:
    """Loses the answers to batches, or the batches themselves, when it is told to; its clock stands where it is put."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.fault: str | None = None
        self.now = 0

    def prepare(self, query):
        return self._session.prepare(query)

    def execute(self, statement, *args, **options):
        if "toUnixTimestamp" in getattr(statement, "query_string", ""):
            return [SimpleNamespace(now=self.now // 1000)]
        lost = self.fault if isinstance(statement, BatchStatement) else None
        if lost != "request":
            result = self._session.execute(statement, *args, **options)
        if lost:  # as an error that is not tried again
            raise wire.TaskError("TIMEOUT", f"the {lost} was lost", "unknown")
        return result


class Server:
    """Answers commands. The ledger's clock stands where each command puts it."""

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
        self._session = self._session or FaultySession(connect(command["cassandra"]))
        limit = int(command["clockLimit"])
        clock = VersionClock(lambda: self._now, limit)
        options = {"clock": clock, "clock_limit": limit, "deadline": 30}
        cassandra = command["cassandra"]
        self._ledger = Ledger(self._session, cassandra["keyspace"], cassandra["dataCenter"], **options)
        return {}

    def save(self, command: dict) -> dict:
        task = Saved(_decode(command["envelope"]), [int(version) for version in command["replaced"]])
        error = _error_of(lambda: self._ledger.save(task))
        replaced = [str(version) for version in task.replaced]
        return {"envelope": _encode(task.envelope), "replaced": replaced, "error": error}

    def complete(self, command: dict) -> dict:
        return {"error": _error_of(lambda: self._ledger.complete(_decode(command["envelope"])))}

    def find(self, command: dict) -> dict:
        found = self._ledger.find(command["taskList"], command["id"])
        return {"envelope": found and _encode(found)}

    def list(self, command: dict) -> dict:
        return {"envelopes": [_encode(envelope) for envelope in self._ledger.open_tasks(command["taskList"])]}

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


def work(cassandra: dict) -> None:
    ledger = Ledger(connect(cassandra), cassandra["keyspace"], cassandra["dataCenter"])
    worker = wire.Worker(complete=ledger.complete)

    def note(envelope: TaskEnvelope, data: object) -> None:
        _say({"id": envelope.id, "type": type(data).DESCRIPTOR.full_name})

    for message in (FetchFile, SendMail, EveryKind):
        worker.does(message)(note)
    worker.run(wire.read_frames(sys.stdin.buffer))


def list_open(cassandra: dict, task_list: str) -> None:
    ledger = Ledger(connect(cassandra), cassandra["keyspace"], cassandra["dataCenter"])
    for envelope in ledger.open_tasks(task_list):
        _say({"id": envelope.id, "type": wire.type_of(envelope)})


def _say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    mode, *arguments = sys.argv[1:]
    if mode == "serve":
        serve()
    elif mode == "work":
        work(json.loads(arguments[0]))
    else:
        list_open(json.loads(arguments[0]), arguments[1])
