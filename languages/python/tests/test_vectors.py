"""Every case of test/vectors/manifest.json."""

import base64
import io
import json
from pathlib import Path

import pytest
from example.v1.every_kind_pb2 import EveryKind
from example.v1.fetch_file_pb2 import FetchFile
from example.v1.send_mail_pb2 import SendMail

import taskledger_worker as wire
from taskledger.v1.composite_pb2 import Composite
from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger_worker.cassandra import shard_of
from taskledger_worker.envelope import encode_body, stored_task

MANIFEST = json.loads((Path(__file__).parents[3] / "test/vectors/manifest.json").read_text())
TYPES = wire.Types(FetchFile, SendMail, EveryKind, Composite)


def cases(kind: str, name: str = "name"):
    return pytest.mark.parametrize("case", MANIFEST[kind], ids=lambda case: case[name])


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_the_types_are_those_of_the_manifest():
    assert all(TYPES.message(name) for name in MANIFEST["types"])


@cases("envelopes")
def test_an_envelope_is_read_and_written_to_the_same_bytes(case):
    envelope = wire.decode(base64.b64decode(case["binary"]))
    assert b64(wire.encode(envelope)) == case["binary"]
    assert fields_of(envelope) == case["fields"]


def fields_of(envelope):
    created_at, version = envelope.created_at, wire.version_of(envelope)
    return {
        "taskList": envelope.task_list,
        "id": envelope.id,
        "typeUrl": envelope.data.type_url,
        "type": wire.type_of(envelope),
        "data": b64(envelope.data.value),
        "isOpaque": wire.decode_data(envelope, TYPES) is None,
        "createdAt": [str(created_at.seconds), created_at.nanos] if envelope.HasField("created_at") else None,
        "version": None if version is None else str(version),
        "attempt": envelope.attempt,
        "headers": dict(envelope.headers),
    }


@cases("envelopes")
def test_data_is_decoded_and_encoded_to_the_same_bytes(case):
    envelope = wire.decode(base64.b64decode(case["binary"]))
    data = wire.decode_data(envelope, TYPES)
    if data is not None:
        assert b64(data.SerializeToString(deterministic=True)) == case["fields"]["data"]


@cases("envelopes")
def test_its_hash_is_written(case):
    envelope = wire.decode(base64.b64decode(case["binary"]))
    assert json.loads(json.dumps(wire.to_hash(envelope, TYPES))) == case["hash"]


@cases("envelopes")
def test_its_hash_is_read(case):
    assert b64(wire.encode(wire.from_hash(json.dumps(case["hash"]), TYPES))) == case["binary"]


@cases("envelopes")
def test_a_worker_that_knows_no_type_loses_nothing(case):
    nothing = wire.Types()
    envelope = wire.decode(base64.b64decode(case["binary"]))
    text = json.dumps(wire.to_hash(envelope, nothing))
    assert b64(wire.encode(wire.from_hash(text, nothing))) == case["binary"]


@cases("hashes")
def test_another_form_of_a_hash_is_read(case):
    options = {"ignore_unknown_fields": case["ignoreUnknownFields"], "limit": case.get("limit", wire.MAX_TASK_BYTES)}
    envelope = wire.from_hash(case["text"], TYPES, **options)
    assert b64(wire.encode(envelope)) == case["binary"]


@cases("refused")
def test_what_is_wrong_is_refused(case):
    limit = case.get("limit", wire.MAX_TASK_BYTES)
    with pytest.raises(wire.TaskError) as error:
        if "text" in case:
            wire.from_hash(case["text"], TYPES, limit=limit)
        else:
            wire.decode(base64.b64decode(case["binary"]), limit)
    assert error.value.code == case["code"]


@cases("streams")
def test_frames_are_read_from_a_stream(case):
    frames, error = [], None
    try:
        for frame in wire.read_frames(io.BytesIO(base64.b64decode(case["stream"])), wire.MAX_TASK_BYTES):
            frames.append(b64(frame))
    except wire.TaskError as raised:
        error = raised.code
    assert (frames, error) == (case["frames"], case["error"])


def test_frames_are_written_as_they_are_read():
    case = next(case for case in MANIFEST["streams"] if case["name"].startswith("three"))
    stream = io.BytesIO()
    for frame in case["frames"]:
        wire.write_frame(stream, base64.b64decode(frame))
    assert b64(stream.getvalue()) == case["stream"]


@cases("batches")
def test_a_batch_is_read(case):
    binary = base64.b64decode(case["binary"])
    if case["code"] is None:
        assert [b64(wire.encode(envelope)) for envelope in wire.decode_batch(binary)] == case["envelopes"]
    else:
        with pytest.raises(wire.TaskError) as error:
            list(wire.decode_batch(binary))
        assert error.value.code == case["code"]


@cases("saves")
def test_a_save_keeps_the_body_or_is_refused(case):
    envelope = TaskEnvelope.FromString(base64.b64decode(case["binary"]))
    if case["code"] is None:
        assert b64(encode_body(envelope, case["limit"])) == case["body"]
    else:
        with pytest.raises(wire.TaskError) as error:
            encode_body(envelope, case["limit"])
        assert error.value.code == case["code"]


@cases("stored")
def test_a_stored_task_is_read_or_comes_as_a_damaged_one(case):
    key = (case["taskList"], case["id"], int(case["version"]))
    assert b64(wire.encode(stored_task(*key, base64.b64decode(case["body"])))) == case["envelope"]


@cases("placements", "id")
def test_an_id_has_its_shard(case):
    for count, shard in case["shards"].items():
        assert shard_of(case["id"], int(count)) == shard
