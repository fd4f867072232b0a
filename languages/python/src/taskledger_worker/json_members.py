"""Messages from the members of JSON objects. Messages in one another are gone through here, and the rest is left to protobuf.

protobuf's parser makes a table of all fields for each object: `[{}, {}, …]` takes it more than a millisecond for each kilobyte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

# Messages in one another, at most, as other libraries read them.
MAX_DEPTH: Final = 100


# Of a message: the fields that are gone through here, and the oneofs that fields are in, by the fields' names in JSON.
_Tables = tuple[Mapping[str, FieldDescriptor], Mapping[str, str]]


class MembersReader:
    """Reads ProtoJSON. `pool` has the types that an Any may name."""

    def __init__(self, pool: DescriptorPool, ignore_unknown_fields: bool) -> None:
        self._pool = pool
        self._ignore_unknown_fields = ignore_unknown_fields
        self._tables: dict[type[Message], _Tables] = {}

    def read(self, members: Mapping[str, Any], message: Message, depth: int) -> None:
        """Merges members into a message that is `depth` messages deep. Raises ValueError, and what protobuf raises."""
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} messages are in one another")
        if not members:
            return
        fields, oneofs = self._tables_of(type(message))
        chosen = Counter(oneofs[name] for name in members if name in oneofs)
        # Those of a oneof that comes twice, protobuf has to see together.
        own = {
            name: value
            for name, value in members.items()
            if name in fields and (name not in oneofs or chosen[oneofs[name]] == 1)
        }
        others = {name: value for name, value in members.items() if name not in own}
        if others:
            json_format.ParseDict(others, message, self._ignore_unknown_fields, self._pool, MAX_DEPTH - depth + 1)
        for name, value in own.items():
            self._read_field(fields[name], value, message, depth)

    def _read_field(self, field: FieldDescriptor, value: object, message: Message, depth: int) -> None:
        if value is None or field.is_repeated:
            message.ClearField(field.name)
        if value is None:
            return
        inner = getattr(message, field.name)
        if not field.is_repeated:
            inner.SetInParent()
            self.read(_object(value, field), inner, depth + 1)
        elif isinstance(value, list):
            for each in value:
                self.read(_object(each, field), inner.add(), depth + 1)
        else:
            raise ValueError(f"{field.full_name} must be a list")

    def _tables_of(self, message: type[Message]) -> _Tables:
        if message not in self._tables:
            all = cast(Sequence[FieldDescriptor], message.DESCRIPTOR.fields)
            named = {field.name: field for field in all} | {field.json_name: field for field in all}
            fields = {name: field for name, field in named.items() if _holds_objects(field)}
            oneofs = {name: field.containing_oneof.name for name, field in named.items() if field.containing_oneof}
            self._tables[message] = fields, oneofs
        return self._tables[message]


def _object(value: object, field: FieldDescriptor) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{field.full_name}: a message must be an object")
    return value


def _holds_objects(field: FieldDescriptor) -> bool:
    """Whether its messages are objects of their fields; neither maps are, nor the well-known types."""
    type = field.message_type
    return type is not None and not type.GetOptions().map_entry and not type.full_name.startswith("google.protobuf.")
