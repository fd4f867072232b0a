"""The JSON hash is read as protobuf reads it."""

import copy
import json
import random
import time

import pytest
from example.v1.every_kind_pb2 import EveryKind
from google.protobuf import descriptor_pb2, json_format
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from test_vectors import MANIFEST, TYPES

import taskledger_worker as wire
from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger_worker import Code, TaskError

URL = "type.googleapis.com/"
NAME = EveryKind.DESCRIPTOR.full_name
ROUNDS = 5_000

DATA = [case["hash"]["data"] for case in MANIFEST["envelopes"] if case["hash"]["data"]["@type"] == URL + NAME]
VALUES = [
    None,
    0,
    1.5,
    -0.0,
    2**63,
    "",
    "AAAA",
    "5",
    "NaN",
    True,
    {},
    [{}],
    [None],
    {"a": None},
    {"a": {}},
    "3s",
    "COLOR_RED",
    [0, "1"],
]
KEYS = [key for field in EveryKind.DESCRIPTOR.fields for key in (field.name, field.json_name)] + ["unknown"]


def hash_of(data):
    return json.dumps({"taskList": "l", "id": "i", "data": data})


def members_of(value):
    """Each member and element, at any depth, as what holds it and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from members_of(each)


def changed(data, random):
    for _ in range(random.randint(1, 3)):
        holder, key = random.choice(list(members_of(data)))
        other = copy.deepcopy(random.choice(VALUES))
        if isinstance(holder, dict) and random.random() < 0.7:
            key = random.choice(KEYS)
            other = random.choice([other, {"child": other}, [{"children": [{}, {"child": {}}]}, {random.choice(KEYS): other}]])
        if key != "@type":
            holder[key] = other
    return data


def has_text_as_message(data):
    names = ("child", "children", "chosen_child", "chosenChild")
    messages = [holder[key] for holder, key in members_of(data) if key in names]
    return any(isinstance(each, str) for value in messages for each in (value if isinstance(value, list) else [value]))


def by_protobuf(text, ignore_unknown_fields):
    """None if protobuf refuses it."""
    try:
        envelope = json_format.Parse(text, TaskEnvelope(), ignore_unknown_fields, TYPES.pool(NAME))
    except json_format.ParseError:
        return None
    envelope.data.value = EveryKind.FromString(envelope.data.value).SerializeToString(deterministic=True)
    return envelope


def read(text, ignore_unknown_fields):
    try:
        return wire.from_hash(text, TYPES, ignore_unknown_fields=ignore_unknown_fields)
    except TaskError as error:
        assert error.code == Code.INVALID_HASH
        return None


def test_data_is_read_and_refused_as_by_protobuf():
    chance = random.Random(20)
    is_read = {True: 0, False: 0}
    for _ in range(ROUNDS):
        data = changed(copy.deepcopy(chance.choice(DATA)), chance)
        if has_text_as_message(data):
            continue  # protobuf may take it for an empty one: see below
        text = hash_of(data)
        for ignore_unknown_fields in (False, True):
            found = read(text, ignore_unknown_fields)
            is_read[found is not None] += 1
            assert found == by_protobuf(text, ignore_unknown_fields), text
    assert min(is_read.values()) > ROUNDS / 10


@pytest.mark.parametrize(("depth", "is_read"), [(98, True), (99, False), (5_000, False)])
@pytest.mark.parametrize("field", ["child", "children"])
def test_messages_may_be_a_hundred_deep_with_the_envelope_and_the_data(field, depth, is_read):
    opening, closing = (f'{{"{field}":', "}") if field == "child" else (f'{{"{field}":[', "]}")
    inner = opening * (depth - 1) + "{}" + closing * (depth - 1)
    member = inner if field == "child" else f"[{inner}]"
    text = f'{{"taskList":"l","id":"i","data":{{"@type":"{URL}{NAME}","{field}":{member}}}}}'
    assert (read(text, False) is not None) == is_read
    if depth < 1_000:
        assert read(text, False) == by_protobuf(text, False)


@pytest.mark.parametrize(
    "chosen",
    [
        {"chosenChild": {"text": "a"}},
        {"chosenChild": None},
        {"chosenChild": None, "chosenText": "a"},
        {"chosenChild": {}, "chosenText": None},
        {"chosenChild": {}, "chosenText": "a"},
        {"chosenChild": {}, "chosen_child": {}},
        {"optionalText": "a", "optional_text": "b"},
    ],
    ids=str,
)
def test_a_oneof_is_read_as_by_protobuf(chosen):
    text = hash_of({"@type": URL + NAME, **chosen})
    assert read(text, False) == by_protobuf(text, False)


def test_many_messages_in_a_oneof_are_read_as_fast_as_others():
    """A table of all fields for each would take ten times as long."""

    def seconds(data):
        begun = time.process_time()
        assert read(hash_of({"@type": URL + NAME, **data}), False)
        return time.process_time() - begun

    many = {"children": [{}] * 50_000}
    assert seconds({"chosenChild": many}) < 5 * seconds({"child": many})


@pytest.mark.parametrize("value", ["", "text", [], 0, False])
@pytest.mark.parametrize("wrap", [lambda value: {"child": value}, lambda value: {"children": [{}, value]}])
def test_what_is_no_object_is_no_message(wrap, value):
    """protobuf takes a text and a list for messages without fields."""
    assert read(hash_of({"@type": URL + NAME, **wrap(value)}), True) is None


@pytest.mark.parametrize(
    "data",
    [Empty(), Struct(fields={}), descriptor_pb2.DescriptorProto(name="n", field=[descriptor_pb2.FieldDescriptorProto()])],
)
def test_data_may_be_of_a_type_of_protobuf_s_own(data):
    types = wire.Types(type(data))
    envelope = wire.new_envelope("l", data)
    assert wire.from_hash(json.dumps(wire.to_hash(envelope, types)), types) == envelope
    assert "SealedData" not in wire.to_hash(envelope, types)["data"]["@type"]
