"""Tasks as they travel: envelopes, the JSON hash, batches, frames, and which handler a task is for."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import math
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet
from taskledger.v1.batch_pb2 import TaskBatch, TaskGroup
from taskledger.v1.envelope_pb2 import TaskEnvelope
from taskledger.v1.sealed_data_pb2 import SealedData

MAX_TASK_BYTES = 1024 * 1024
MAX_KEY_BYTES = 512
MAX_SAVED_AT_BYTES = 15
MAX_VERSION = 253_402_300_799_999_999
UNKNOWN_FIELDS_HEADER = "taskledger-unknown-fields"
_PREFIX = "type.googleapis.com/"


class TaskError(Exception):
    """An error with a stable code. `outcome` is "unknown" where a write may have been applied all the same."""

    def __init__(self, code: str, message: str, outcome: str = "not-applied") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.outcome = outcome


class Types:
    """The task types that a worker knows.

    >>> types = Types(FetchFile, SendMail)
    """

    def __init__(self, *messages: type[Message]) -> None:
        self._messages = {message.DESCRIPTOR.full_name: message for message in messages}
        self._pools = {name: _pool_of(message.DESCRIPTOR.file) for name, message in self._messages.items()}

    def message(self, name: str) -> type[Message] | None:
        return self._messages.get(name)

    def pool(self, name: str) -> DescriptorPool:
        """The types that JSON of such data may name in an Any: of its file, and of those that one imports."""
        return self._pools[name]


def type_of(envelope: TaskEnvelope) -> str:
    """The full name of the data's message."""
    return _type_name(envelope.data.type_url)


def version_of(envelope: TaskEnvelope) -> int | None:
    """`saved_at` in microseconds; None until the task is saved."""
    if not envelope.HasField("saved_at"):
        return None
    return envelope.saved_at.seconds * 1_000_000 + envelope.saved_at.nanos // 1000


def set_version(envelope: TaskEnvelope, version: int) -> None:
    _set_micros(envelope.saved_at, version)


def decode(data: bytes, limit: int = MAX_TASK_BYTES) -> TaskEnvelope:
    """Reads an envelope. Raises TOO_LARGE and INVALID_ENVELOPE."""
    if len(data) > limit:
        raise TaskError("TOO_LARGE", f"the envelope has {len(data)} bytes; the limit is {limit}")
    try:
        envelope = TaskEnvelope.FromString(bytes(data))
    except DecodeError as error:
        raise TaskError("INVALID_ENVELOPE", f"the bytes are no TaskEnvelope: {error}") from error
    _check(envelope, "INVALID_ENVELOPE")
    return envelope


def encode(envelope: TaskEnvelope, limit: int = MAX_TASK_BYTES) -> bytes:
    """The envelope's bytes, headers sorted by key. Raises TOO_LARGE."""
    data = envelope.SerializeToString(deterministic=True)
    if len(data) > limit:
        raise TaskError("TOO_LARGE", f"the envelope has {len(data)} bytes; the limit is {limit}")
    return data


def encode_body(envelope: TaskEnvelope, limit: int = MAX_TASK_BYTES) -> bytes:
    """What a store keeps: the envelope's bytes without `saved_at`, which it gives them. Raises TOO_LARGE."""
    body = TaskEnvelope()
    body.CopyFrom(envelope)
    body.ClearField("saved_at")
    return encode(body, limit - MAX_SAVED_AT_BYTES)


def decode_data(envelope: TaskEnvelope, types: Types) -> Message | None:
    """The data; None where its type is not known, or its bytes do not decode."""
    message = types.message(type_of(envelope))
    try:
        return message.FromString(envelope.data.value) if message else None
    except DecodeError:
        return None


def _check(envelope: TaskEnvelope, code: str) -> None:
    _check_key("task_list", envelope.task_list, code)
    _check_key("id", envelope.id, code)
    if not envelope.HasField("data") or type_of(envelope) == "":
        raise TaskError(code, "data does not name a type")
    if envelope.HasField("created_at") and not _is_timestamp(envelope.created_at):
        raise TaskError(code, "created_at is out of the range of a Timestamp")
    if envelope.HasField("saved_at") and not _is_version(envelope.saved_at):
        raise TaskError(code, "saved_at is not a whole number of microseconds between 1970 and 9999")


def _check_key(field: str, value: str, code: str) -> None:
    size = len(value.encode())
    if not 1 <= size <= MAX_KEY_BYTES or "\0" in value:
        raise TaskError(code, f"{field} must be 1 to {MAX_KEY_BYTES} bytes of UTF-8 without NUL; it has {size} bytes")


def _is_timestamp(time: Timestamp) -> bool:
    return -62_135_596_800 <= time.seconds <= 253_402_300_799 and 0 <= time.nanos <= 999_999_999


def _is_version(time: Timestamp) -> bool:
    whole = 0 <= time.nanos <= 999_999_000 and time.nanos % 1000 == 0
    return whole and 1 <= time.seconds * 1_000_000 + time.nanos // 1000 <= MAX_VERSION


def _type_name(url: str) -> str:
    return url.rpartition("/")[2]


# The JSON hash


def to_hash(envelope: TaskEnvelope, types: Types) -> dict[str, Any]:
    """The envelope as ProtoJSON, its data sealed where that would lose some of it."""
    hashable = _with_unknown_fields_in_header(envelope)
    plain = _plain_hash(hashable, types)
    if plain is not None:
        return plain
    sealed = SealedData(type_url=envelope.data.type_url, value=envelope.data.value)
    hashable.data.Pack(sealed)
    return json_format.MessageToDict(hashable, descriptor_pool=_SEALING)


def from_hash(text: str, types: Types, *, ignore_unknown_fields: bool = False) -> TaskEnvelope:
    """Reads the JSON text of a hash. Raises INVALID_HASH, and UNKNOWN_TYPE for plain data of a type it does not know."""
    url = _data_url(text)
    name = _type_name(url)
    is_sealed = name == SealedData.DESCRIPTOR.full_name
    if not is_sealed and types.message(name) is None:
        raise TaskError("UNKNOWN_TYPE", f"{name} is not among the types known here, so its JSON can't be read")
    envelope = _parse(text, _SEALING if is_sealed else types.pool(name), ignore_unknown_fields)
    _check(envelope, "INVALID_HASH")
    if is_sealed:
        sealed = SealedData.FromString(envelope.data.value)
        envelope.data.CopyFrom(AnyMessage(type_url=sealed.type_url, value=sealed.value))
    else:
        envelope.data.value = _canonical(types.message(name), envelope.data.value)
    _unknown_fields_from_header(envelope)
    _check(envelope, "INVALID_HASH")
    return envelope


def _plain_hash(envelope: TaskEnvelope, types: Types) -> dict[str, Any] | None:
    """None where ProtoJSON can't write the data, or where it would not come back as it was."""
    data = decode_data(envelope, types)
    if data is None:
        return None
    pool = types.pool(type_of(envelope))
    try:
        plain = json_format.MessageToDict(envelope, descriptor_pool=pool)
        back = _parse(json.dumps(plain), pool, False)
    except (json_format.Error, TaskError, DecodeError, TypeError, ValueError):
        return None
    same = _canonical(type(data), back.data.value) == data.SerializeToString(deterministic=True)
    fields = {name: value for name, value in plain["data"].items() if name != "@type"}
    return plain if same and not _is_fragile(fields) else None


def _parse(text: str, pool: DescriptorPool, ignore_unknown_fields: bool) -> TaskEnvelope:
    envelope = TaskEnvelope()
    try:
        json_format.Parse(text, envelope, ignore_unknown_fields=ignore_unknown_fields, descriptor_pool=pool)
    except (json_format.Error, UnicodeError, TypeError, ValueError) as error:
        raise TaskError("INVALID_HASH", str(error)) from error
    return envelope


def _data_url(text: str) -> str:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise TaskError("INVALID_HASH", f"no JSON: {error}") from error
    data = parsed.get("data") if isinstance(parsed, dict) else None
    url = data.get("@type") if isinstance(data, dict) else None
    if not isinstance(url, str) or _type_name(url) == "":
        raise TaskError("INVALID_HASH", 'data["@type"] must name the type of the data')
    return url


def _canonical(message: type[Message], value: bytes) -> bytes:
    """protobuf packs the entries of maps in any order."""
    return message.FromString(value).SerializeToString(deterministic=True)


def _is_fragile(value: object) -> bool:
    """Whether some readers would lose something: the sign of a zero, or the prefix of a type's URL."""
    if isinstance(value, dict):
        return not str(value.get("@type", _PREFIX)).startswith(_PREFIX) or any(map(_is_fragile, value.values()))
    if isinstance(value, list):
        return any(map(_is_fragile, value))
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


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
    except (binascii.Error, DecodeError):
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


def _pool_of(file: FileDescriptor) -> DescriptorPool:
    """A pool of a file and those that it imports, directly or not, and no others."""
    pool = DescriptorPool()
    added: set[str] = set()

    def add(each: FileDescriptor) -> None:
        if each.name in added:
            return
        added.add(each.name)
        for imported in each.dependencies:
            add(imported)
        pool.AddSerializedFile(each.serialized_pb)

    add(file)
    return pool


_SEALING = _pool_of(SealedData.DESCRIPTOR.file)


# Batches

MAX_BATCH_TASKS = 10_000
MAX_SHARED_BYTES = 1024
BATCH_OVERHEAD_BYTES = 4096


def is_batch(data: bytes) -> bool:
    return data[:2] == b"\x82\x01"


def decode_batch(data: bytes, limit: int = MAX_TASK_BYTES) -> Iterator[TaskEnvelope]:
    """The envelopes of a batch, in order. Raises at once TOO_LARGE and INVALID_BATCH, in its place INVALID_ENVELOPE."""
    if len(data) > limit + BATCH_OVERHEAD_BYTES:
        raise TaskError("TOO_LARGE", f"the batch has {len(data)} bytes")
    try:
        batch = TaskBatch.FromString(bytes(data))
    except DecodeError as error:
        raise TaskError("INVALID_BATCH", f"the bytes are no TaskBatch: {error}") from error
    _check_batch(batch)
    readers = [_envelopes_of(group) for group in batch.groups]
    return (next(readers[group]) for group in batch.order) if batch.order else itertools.chain(*readers)


def _check_batch(batch: TaskBatch) -> None:
    sizes = [len(group.data) for group in batch.groups]
    if sum(sizes) > MAX_BATCH_TASKS:
        raise TaskError("TOO_LARGE", f"the batch has {sum(sizes)} tasks; the limit is {MAX_BATCH_TASKS}")
    in_order = len(sizes) <= 1 and not batch.order
    fits = in_order or Counter(batch.order) == Counter(dict(enumerate(sizes)))
    if not fits or len(UnknownFieldSet(batch)) > 0 or not all(map(_is_group, batch.groups)):
        raise TaskError("INVALID_BATCH", "its columns or its order do not fit, or it has fields that are not known here")


def _is_group(group: TaskGroup) -> bool:
    count = len(group.data)
    has_ids = len(group.ids) == count and not group.uuids if group.ids else len(group.uuids) == 16 * count
    columns = (group.created_at, group.saved_at, group.rest)
    fits = all(len(column) in (0, count) for column in columns)
    return count > 0 and has_ids and fits and group.shared.ByteSize() <= MAX_SHARED_BYTES and not UnknownFieldSet(group)


def _envelopes_of(group: TaskGroup) -> Iterator[TaskEnvelope]:
    created_at, saved_at = itertools.accumulate(group.created_at), itertools.accumulate(group.saved_at)
    for i, value in enumerate(group.data):
        envelope = TaskEnvelope()
        envelope.CopyFrom(group.shared)
        envelope.id = group.ids[i] if group.ids else str(uuid.UUID(bytes=group.uuids[16 * i : 16 * (i + 1)]))
        envelope.data.value = value
        envelope.data.SetInParent()
        if group.created_at:
            _set_micros(envelope.created_at, next(created_at))
        if group.saved_at:
            _set_micros(envelope.saved_at, next(saved_at))
        try:
            envelope.MergeFromString(group.rest[i] if group.rest else b"")
        except DecodeError as error:
            raise TaskError("INVALID_ENVELOPE", f"what the columns do not have is no TaskEnvelope: {error}") from error
        _check(envelope, "INVALID_ENVELOPE")
        yield envelope


def _set_micros(time: Timestamp, micros: int) -> None:
    seconds, rest = divmod(micros, 1_000_000)
    time.CopyFrom(Timestamp(seconds=seconds, nanos=rest * 1000))


# Frames


MAX_FRAME_BYTES = MAX_TASK_BYTES + BATCH_OVERHEAD_BYTES


def read_frames(stream: BinaryIO, limit: int = MAX_FRAME_BYTES) -> Iterator[bytes]:
    """The frames of a stream. Raises TOO_LARGE before it reads one over the limit, TRUNCATED at an end inside of one."""
    while (size := _read_length(stream)) is not None:
        if size > limit:
            raise TaskError("TOO_LARGE", f"a frame has {size} bytes; the limit is {limit}")
        frame = _read_exactly(stream, size)
        yield frame


def write_frame(stream: BinaryIO, message: bytes) -> None:
    """Writes a message behind its length."""
    size = len(message)
    length = bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    stream.write(bytes(length) + message)


def _read_length(stream: BinaryIO) -> int | None:
    """None at the end of the stream."""
    length = 0
    for shift in range(0, 35, 7):
        byte = stream.read(1)
        if not byte:
            if shift == 0:
                return None
            raise TaskError("TRUNCATED", "the stream ends inside of a length")
        length |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return length
    raise TaskError("INVALID_BATCH", "a length has more than five bytes")


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            raise TaskError("TRUNCATED", "the stream ends inside of a frame")
        data += more
    return bytes(data)


# Dispatch

Handler = Callable[[TaskEnvelope, Any], None]


class Worker:
    """Does tasks, each by the handler of its type, and completes those that were done.

    >>> worker = Worker(complete=ledger.complete)
    >>> @worker.does(FetchFile)
    ... def fetch(envelope, data): ...
    >>> worker.run(read_frames(sys.stdin.buffer))
    """

    def __init__(self, complete: Callable[[TaskEnvelope], None]) -> None:
        self._complete = complete
        self._handlers: dict[str, tuple[type[Message], Handler]] = {}

    def does(self, message: type[Message]) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            self._handlers[message.DESCRIPTOR.full_name] = (message, handler)
            return handler

        return register

    def run(self, frames: Iterable[bytes]) -> None:
        """Does each task. What can't be read, and tasks of other types, stay open, for others."""
        for frame in frames:
            for envelope in decode_batch(frame) if is_batch(frame) else [decode(frame)]:
                self.do(envelope)

    def do(self, envelope: TaskEnvelope) -> bool:
        """Whether there is a handler, which then did the task. What it raises leaves the task open."""
        found = self._handlers.get(type_of(envelope))
        if found is None:
            return False
        message, handler = found
        try:
            data = message.FromString(envelope.data.value)
        except DecodeError:
            return False
        handler(envelope, data)
        self._complete(envelope)
        return True
