"""Bytes and texts of which nothing is known: each gives tasks that can be passed on, or one of the documented errors."""

import base64
import io
import json
import random

import pytest
from memory import IS_TOLD, most_memory
from test_vectors import MANIFEST, TYPES

import taskledger_worker as wire
from taskledger.v1.batch_pb2 import TaskBatch
from taskledger_worker import Code, TaskError
from taskledger_worker.frames import tasks_of

ROUNDS = 10_000
# Memory is bounded by what is read at once: that none of these is longer.
LIMIT = 64 * 1024


def binaries(kind, key="binary"):
    found = [base64.b64decode(case[key]) for case in MANIFEST[kind] if key in case]
    return [data for data in found if len(data) <= LIMIT // 2]


def framed(*messages):
    stream = io.BytesIO()
    for message in messages:
        wire.write_frame(stream, message)
    return stream.getvalue()


ENVELOPES = binaries("envelopes")
BATCHES = binaries("batches")
STREAMS = [*binaries("streams", "stream"), framed(*ENVELOPES[:3]), framed(*BATCHES[:4]), framed(ENVELOPES[0], BATCHES[1])]
TEXTS = [json.dumps(case["hash"]) for case in MANIFEST["envelopes"]]
TEXTS += [case["text"] for kind in ("hashes", "refused") for case in MANIFEST[kind] if "text" in case]

PIECES = [b"\0", b"\xff", b"\x80" * 5, b"\xff" * 10, b"\x82\x01", b"\x8a\x01", b"\x0a\x00", b"\x3a\x00", b"\x1b", b"\x7f"]
WORDS = ["[" * 300, "{", "}", '"', "\\", "\\ud800", "null", "-0", "1e999", "NaN", ",", ":", '"@type":', '"\0"', "\ufeff", "é"]


def mutate(value, others, pieces, random):
    """A text or bytes, changed at one place to three."""
    for _ in range(random.randint(1, 3)):
        at, end = sorted((random.randint(0, len(value)), random.randint(0, len(value))))
        other = random.choice(others)
        value = random.choice(
            [
                value[:at] + random.choice(pieces) + value[at:],
                value[:at] + random.choice(pieces) + value[at + 1 :],
                value[:at] + value[end:],
                value[:end] + value[at:],
                value[:at] + other[random.randint(0, len(other)) :],
                value[:at],
            ]
        )
    return value


def outcome_of(read, value):
    """The tasks' bytes, and the code of the error that ended them. What is read can be written, and read again."""
    passed_on = []
    try:
        for envelope in read(value):
            data = wire.encode(envelope)
            assert wire.decode(data) == envelope
            passed_on.append(data)
    except TaskError as error:
        return error.code
    return "whole"


def read_binary(data):
    return [wire.decode(data, LIMIT)]


def read_hash(text):
    return [wire.from_hash(text, TYPES, limit=LIMIT)]


def read_batch(data):
    return wire.decode_batch(data, LIMIT)


def read_frames(data):
    for frame in wire.read_frames(io.BytesIO(data), LIMIT):
        yield from tasks_of(frame, LIMIT)


UNREADABLE = {Code.TOO_LARGE, Code.INVALID_BATCH, Code.INVALID_ENVELOPE}
DECODERS = {
    "binary": (read_binary, ENVELOPES, PIECES, {Code.INVALID_ENVELOPE}),
    "hash": (read_hash, TEXTS, WORDS, {Code.INVALID_HASH, Code.UNKNOWN_TYPE}),
    "batch": (read_batch, BATCHES, PIECES, UNREADABLE),
    "frames": (read_frames, STREAMS, PIECES, {*UNREADABLE, Code.TRUNCATED}),
}


@pytest.mark.parametrize("name", DECODERS)
def test_what_was_changed_at_random_is_read_or_refused_with_a_documented_error(name):
    read, samples, pieces, codes = DECODERS[name]
    chance = random.Random(name)
    found = {outcome_of(read, sample) for sample in samples}
    found |= {outcome_of(read, mutate(chance.choice(samples), samples, pieces, chance)) for _ in range(ROUNDS)}
    assert found == {*codes, "whole"}


@pytest.mark.parametrize("name", ["binary", "batch", "frames"])
def test_bytes_at_random_are_read_or_refused_with_a_documented_error(name):
    read, _, _, codes = DECODERS[name]
    chance = random.Random(name)
    found = {outcome_of(read, chance.randbytes(chance.randint(0, 100))) for _ in range(ROUNDS)}
    assert found <= {*codes, "whole"}


def add_header(shared, i):
    shared.headers[chr(0x21 + i // 90) + chr(0x21 + i % 90)] = ""


def lengthen_header(shared, i):
    shared.headers["a"] = "a" * i


def lengthen_names(shared, i):
    shared.task_list = "l" * (i // 2 + 1)
    shared.data.type_url = "x/" + "a" * (i // 2 + 1)


UNKNOWN = b"\xa0\x06\x01"
# What the tasks of a batch may share, each added as often as it may be.
SHARED = {
    "headers": add_header,
    "a header": lengthen_header,
    "unknown fields": lambda shared, i: shared.MergeFromString(UNKNOWN),
    "unknown fields of the data": lambda shared, i: shared.data.MergeFromString(UNKNOWN),
    "unknown fields of a time": lambda shared, i: shared.created_at.MergeFromString(UNKNOWN),
    "a list and a type": lengthen_names,
}


def largest(add):
    """As many tasks as a batch may have, of five bytes each beside what they share."""
    batch = TaskBatch()
    group = batch.groups.add(ids=["a"] * wire.MAX_BATCH_TASKS, data=[b""] * wire.MAX_BATCH_TASKS)
    group.shared.task_list = "l"
    group.shared.data.type_url = "x/a"
    i = 0
    while group.shared.ByteSize() <= 1024 - 9:
        add(group.shared, i)
        i += 1
    return batch.SerializeToString()


def check_memory(read, data):
    """Reads, and takes memory in proportion to the data meanwhile."""
    if not IS_TOLD:
        pytest.skip("this system does not tell the most memory that a process had")
    assert most_memory(lambda: read(data)) <= 1_000_000 + 128 * len(data)


@pytest.mark.parametrize("name", SHARED)
def test_what_the_tasks_of_a_batch_share_is_not_copied_before_each_is_asked_for(name):
    batch = largest(SHARED[name])
    shared = TaskBatch.FromString(batch).groups[0].shared
    shared.id = "a"
    counts = []
    check_memory(lambda data: counts.append(sum(envelope == shared for envelope in wire.decode_batch(data))), batch)
    assert counts == [wire.MAX_BATCH_TASKS]


def test_a_task_of_a_batch_has_headers_of_its_own():
    tasks = wire.decode_batch(largest(add_header))
    first, second = next(tasks), next(tasks)
    first.headers["own"] = "1"
    assert len(first.headers) == len(second.headers) + 1


@pytest.mark.parametrize(
    "piece",
    [
        b"\x82\x01\x00",
        b"\x82\x01\x02\x0a\x00",
        b"\x82\x01\x04\x0a\x02\x3a\x00",
        b"\x82\x01\x04\x0a\x02\x1a\x00",
        b"\x88\x01\x00",
        b"\x80\x02\x00",
    ],
)
def test_a_batch_of_as_many_small_parts_as_fit_is_refused(piece):
    data = piece * (1024 * 1024 // len(piece))
    found = []
    check_memory(lambda data: found.append(outcome_of(wire.decode_batch, data)), data)
    assert found[0] in (Code.TOO_LARGE, Code.INVALID_BATCH)
