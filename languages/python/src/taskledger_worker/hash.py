"""The JSON hash: ProtoJSON of an envelope that loses nothing."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator
from typing import Any, Final, cast

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger.v1.sealed_data_pb2 import SealedData

from .envelope import (
    MAX_TASK_BYTES,
    TYPE_PREFIX,
    Types,
    check_envelope,
    check_size,
    decode_data,
    pool_of,
    type_name,
    type_of,
)
from .errors import Code, TaskError
from .json_members import MembersReader

UNKNOWN_FIELDS_HEADER: Final = "taskledger-unknown-fields"
_SEALING: Final = pool_of(SealedData)


def to_hash(envelope: TaskEnvelope, types: Types) -> dict[str, Any]:
    """The envelope as ProtoJSON, a dict for `json.dumps`, its data sealed if that would lose some of it."""
    hashable = _with_unknown_fields_in_header(envelope)
    plain = _plain_hash(hashable, types)
    if plain is not None:
        return plain
    sealed = SealedData(type_url=envelope.data.type_url, value=envelope.data.value)
    hashable.data.Pack(sealed)
    return json_format.MessageToDict(hashable, descriptor_pool=_SEALING)


def from_hash(text: str, types: Types, *, ignore_unknown_fields: bool = False, limit: int = MAX_TASK_BYTES) -> TaskEnvelope:
    """Reads the JSON text of a hash.

    Raises INVALID_HASH, UNKNOWN_TYPE for plain data of a type it does not know, and TOO_LARGE if the envelope that it stands
    for has more than `limit` bytes.
    """
    members = _members_of(text)
    url = _data_url(members)
    name = type_name(url)
    type = SealedData if name == SealedData.DESCRIPTOR.full_name else types.message(name)
    if type is None:
        raise TaskError(Code.UNKNOWN_TYPE, f"{name} is not among the types known here, so its JSON can't be read")
    pool = _SEALING if type is SealedData else types.pool(name)
    try:
        data = _read_data(members.pop("data"), type, pool, ignore_unknown_fields)
        envelope = json_format.ParseDict(members, TaskEnvelope(), ignore_unknown_fields)
        envelope.data.MergeFrom(AnyMessage(type_url=url, value=data.SerializeToString(deterministic=True)))
    except Exception as error:  # protobuf raises what it comes upon, also AttributeError
        raise TaskError(Code.INVALID_HASH, str(error)) from error
    if isinstance(data, SealedData):
        envelope.data.CopyFrom(AnyMessage(type_url=data.type_url, value=data.value))
    _unknown_fields_from_header(envelope)
    check_envelope(envelope, Code.INVALID_HASH)
    check_size(envelope.ByteSize(), limit)
    return envelope


def _plain_hash(envelope: TaskEnvelope, types: Types) -> dict[str, Any] | None:
    """None if ProtoJSON can't write the data, or if it would not come back as it was."""
    data = decode_data(envelope, types)
    if data is None:
        return None
    pool = types.pool(type_of(envelope))
    try:
        plain = json_format.MessageToDict(envelope, descriptor_pool=pool)
        back = _read_data(json.loads(json.dumps(plain["data"])), type(data), pool, False)
        same = back.SerializeToString(deterministic=True) == data.SerializeToString(deterministic=True)
    except Exception:  # what protobuf can't write or read again
        return None
    fields = {name: value for name, value in plain["data"].items() if name != "@type"}
    return plain if same and not _is_fragile(fields) and not _has_empty_path(data, pool) else None


def _read_data(members: dict[str, Any], type: type[Message], pool: DescriptorPool, ignore_unknown_fields: bool) -> Message:
    """Raises what protobuf raises, and ValueError."""
    if type.DESCRIPTOR.full_name.startswith("google.protobuf."):
        packed = json_format.ParseDict(members, AnyMessage(), ignore_unknown_fields, pool)
        return type.FromString(packed.value)
    data = type()
    own = {name: value for name, value in members.items() if name != "@type"}
    MembersReader(pool, ignore_unknown_fields).read(own, data, depth=2)  # the envelope is the first
    return data


def _members_of(text: str) -> dict[str, Any]:
    try:
        hash = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise TaskError(Code.INVALID_HASH, f"no JSON: {error}") from error
    if not isinstance(hash, dict):
        raise TaskError(Code.INVALID_HASH, "a hash must be an object")
    return hash


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key comes twice")
    return members


def _data_url(hash: dict[str, Any]) -> str:
    data = hash.get("data")
    url = data.get("@type") if isinstance(data, dict) else None
    if not isinstance(url, str) or type_name(url) == "":
        raise TaskError(Code.INVALID_HASH, 'data["@type"] must name the type of the data')
    return url


def _is_fragile(value: object) -> bool:
    """Whether some readers would lose something: the sign of a zero, or the prefix of a type's URL."""
    if isinstance(value, dict):
        return not str(value.get("@type", TYPE_PREFIX)).startswith(TYPE_PREFIX) or any(map(_is_fragile, value.values()))
    if isinstance(value, list):
        return any(map(_is_fragile, value))
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def _has_empty_path(message: Message, pool: DescriptorPool) -> bool:
    """Whether a FieldMask has an empty path, which other libraries do not read from JSON. `pool` has the types in Anys."""
    if message.DESCRIPTOR.full_name == AnyMessage.DESCRIPTOR.full_name:
        packed = cast(AnyMessage, message)
        if not packed.type_url:
            return False
        known = GetMessageClass(pool.FindMessageTypeByName(type_name(packed.type_url)))
        return _has_empty_path(known.FromString(packed.value), pool)
    if message.DESCRIPTOR.full_name == FieldMask.DESCRIPTOR.full_name:
        return "" in cast(FieldMask, message).paths
    return any(_has_empty_path(inner, pool) for inner in _messages_in(message))


def _messages_in(message: Message) -> Iterator[Message]:
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if not field.is_repeated:
            yield value
        elif not field.message_type.GetOptions().map_entry:
            yield from value
        elif field.message_type.fields_by_name["value"].message_type is not None:
            yield from value.values()


def _with_unknown_fields_in_header(envelope: TaskEnvelope) -> TaskEnvelope:
    copy = TaskEnvelope()
    copy.CopyFrom(envelope)
    unknown = _unknown_fields(envelope)
    if unknown:
        copy.DiscardUnknownFields()
        copy.headers[UNKNOWN_FIELDS_HEADER] = base64.b64encode(unknown).decode()
    return copy


def _unknown_fields_from_header(envelope: TaskEnvelope) -> None:
    header = envelope.headers.get(UNKNOWN_FIELDS_HEADER)
    if header is None:
        return
    try:
        unknown = _unknown_fields(TaskEnvelope.FromString(base64.b64decode(header, validate=True)))
    except (binascii.Error, ValueError, DecodeError):
        return  # somebody else's header, then
    if unknown:
        del envelope.headers[UNKNOWN_FIELDS_HEADER]
        envelope.MergeFromString(unknown)


def _unknown_fields(envelope: TaskEnvelope) -> bytes:
    """What a newer version of the protocol put into the envelope, with its tags."""
    rest = TaskEnvelope()
    rest.CopyFrom(envelope)
    for field in TaskEnvelope.DESCRIPTOR.fields:
        rest.ClearField(field.name)
    return rest.SerializeToString()
