"""Envelopes: a task as it travels, and as a store keeps it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Final, cast

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp

from taskledger.v1.damaged_task_pb2 import DamagedTask
from taskledger.v1.envelope_pb2 import TaskEnvelope

from .errors import Code, TaskError

MAX_TASK_BYTES: Final = 1024 * 1024
MAX_KEY_BYTES: Final = 512
MAX_VERSION: Final = 253_402_300_799_999_999
# `saved_at` at its longest, which a store's envelope has beside its body.
MAX_SAVED_AT_BYTES: Final = 15
TYPE_PREFIX: Final = "type.googleapis.com/"


class Types:
    """The task types that a process knows.

    >>> types = Types(FetchFile, SendMail)
    """

    def __init__(self, *messages: type[Message]) -> None:
        self._messages = {message.DESCRIPTOR.full_name: message for message in messages}
        self._pools: dict[str, DescriptorPool] = {}

    def message(self, name: str) -> type[Message] | None:
        return self._messages.get(name)

    def pool(self, name: str) -> DescriptorPool:
        """The types that JSON of such data may name in an Any: of its file, and of those that one imports."""
        if name not in self._pools:
            self._pools[name] = pool_of(self._messages[name])
        return self._pools[name]


def pool_of(message: type[Message]) -> DescriptorPool:
    """A pool of a message's file and those that it imports, directly or not, and no others."""
    pool = DescriptorPool()
    added: set[str] = set()

    def add(each: FileDescriptor) -> None:
        if each.name in added:
            return
        added.add(each.name)
        for imported in each.dependencies:
            add(imported)
        pool.AddSerializedFile(each.serialized_pb)

    add(cast(FileDescriptor, message.DESCRIPTOR.file))
    return pool


def new_envelope(
    task_list: str, data: Message, *, id: str | None = None, headers: Mapping[str, str] | None = None
) -> TaskEnvelope:
    """Builds a task that has not been saved yet. Without an id it gets a random one. Raises INVALID_KEY, TOO_LARGE."""
    try:
        envelope = TaskEnvelope(task_list=task_list, id=str(uuid.uuid4()) if id is None else id, headers=headers)
    except (UnicodeError, ValueError) as error:
        raise TaskError(Code.INVALID_KEY, f"a text is not well-formed Unicode: {error}") from error
    envelope.data.Pack(data, deterministic=True)
    set_micros(envelope.created_at, time.time_ns() // 1000)
    _check_keys(envelope, Code.INVALID_KEY)
    encode_body(envelope)
    return envelope


def type_of(envelope: TaskEnvelope) -> str:
    """The full name of the data's message."""
    return type_name(envelope.data.type_url)


def version_of(envelope: TaskEnvelope) -> int | None:
    """`saved_at` in microseconds; None until the task is saved."""
    if not envelope.HasField("saved_at"):
        return None
    return envelope.saved_at.seconds * 1_000_000 + envelope.saved_at.nanos // 1000


def saved_version(envelope: TaskEnvelope) -> int:
    """The version. Raises NOT_SAVED if there is none."""
    version = version_of(envelope)
    if version is None:
        raise TaskError(Code.NOT_SAVED, "the task has no version: its bytes were taken before it was saved")
    return version


def set_version(envelope: TaskEnvelope, version: int) -> None:
    set_micros(envelope.saved_at, version)


def set_micros(time: Timestamp, micros: int) -> None:
    seconds, rest = divmod(micros, 1_000_000)
    time.Clear()
    time.seconds, time.nanos = seconds, rest * 1000


def decode(data: bytes, limit: int = MAX_TASK_BYTES) -> TaskEnvelope:
    """Reads an envelope. Raises TOO_LARGE and INVALID_ENVELOPE."""
    check_size(len(data), limit)
    return _decode(data)


def _decode(data: bytes) -> TaskEnvelope:
    try:
        envelope = TaskEnvelope.FromString(bytes(data))
    except DecodeError as error:
        raise TaskError(Code.INVALID_ENVELOPE, f"the bytes are no TaskEnvelope: {error}") from error
    check_envelope(envelope, Code.INVALID_ENVELOPE)
    return envelope


def encode(envelope: TaskEnvelope, limit: int = MAX_TASK_BYTES) -> bytes:
    """The envelope's bytes, headers sorted by key. Raises TOO_LARGE."""
    data = envelope.SerializeToString(deterministic=True)
    check_size(len(data), limit)
    return data


def encode_body(envelope: TaskEnvelope, limit: int = MAX_TASK_BYTES) -> bytes:
    """What a store keeps: the envelope's bytes without `saved_at`, which it gives them.

    What is saved, every reader must be able to read: raises INVALID_ENVELOPE for what breaks the protocol's rules, and
    TOO_LARGE if the envelope could have more than `limit` bytes once it is saved.
    """
    check_envelope(envelope, Code.INVALID_ENVELOPE)
    body = TaskEnvelope()
    body.CopyFrom(envelope)
    body.ClearField("saved_at")
    data = body.SerializeToString(deterministic=True)
    check_size(len(data) + MAX_SAVED_AT_BYTES, limit)
    return data


def stored_task(task_list: str, id: str, version: int, body: bytes) -> TaskEnvelope:
    """The envelope of a stored task. One whose body is no envelope of its list and id comes as a `DamagedTask`."""
    try:
        envelope = _decode(body)
        if (envelope.task_list, envelope.id) != (task_list, id):
            raise TaskError(Code.INVALID_ENVELOPE, "the envelope is of another list or id")
    except TaskError:
        envelope = TaskEnvelope(task_list=task_list, id=id)
        envelope.data.Pack(DamagedTask(body=body))
    set_version(envelope, version)
    return envelope


def is_damaged(envelope: TaskEnvelope) -> bool:
    """Whether a store held bytes that are no task under this list and id; `data` then has a `DamagedTask` with them."""
    return type_of(envelope) == DamagedTask.DESCRIPTOR.full_name


def decode_data(envelope: TaskEnvelope, types: Types) -> Message | None:
    """The data; None if its type is not known, or its bytes do not decode."""
    message = types.message(type_of(envelope))
    try:
        return message.FromString(envelope.data.value) if message else None
    except DecodeError:
        return None


def check_envelope(envelope: TaskEnvelope, code: Code) -> None:
    """Raises an error of this code, which names the field."""
    _check_keys(envelope, code)
    if type_of(envelope) == "":
        raise TaskError(code, "data does not name a type")
    check_times(envelope, code)


def check_times(envelope: TaskEnvelope, code: Code) -> None:
    if envelope.HasField("created_at") and not _is_timestamp(envelope.created_at):
        raise TaskError(code, "created_at is out of the range of a Timestamp")
    if envelope.HasField("saved_at") and not _is_version(envelope.saved_at):
        raise TaskError(code, "saved_at is not a whole number of microseconds between 1970 and 9999")


def _check_keys(envelope: TaskEnvelope, code: Code) -> None:
    check_key("task_list", envelope.task_list, code)
    check_key("id", envelope.id, code)


def check_key(field: str, value: str, code: Code = Code.INVALID_KEY) -> None:
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError as error:
        raise TaskError(code, f"{field} is not well-formed Unicode") from error
    if not 1 <= size <= MAX_KEY_BYTES or "\0" in value:
        raise TaskError(code, f"{field} must be 1 to {MAX_KEY_BYTES} bytes of UTF-8 without NUL; it has {size} bytes")


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TaskError(Code.TOO_LARGE, f"the envelope has {size} bytes; the limit is {limit}")


def _is_timestamp(time: Timestamp) -> bool:
    return -62_135_596_800 <= time.seconds <= 253_402_300_799 and 0 <= time.nanos <= 999_999_999


def _is_version(time: Timestamp) -> bool:
    is_whole = 0 <= time.nanos <= 999_999_000 and time.nanos % 1000 == 0
    return is_whole and 1 <= time.seconds * 1_000_000 + time.nanos // 1000 <= MAX_VERSION


def type_name(url: str) -> str:
    return url.rpartition("/")[2]
