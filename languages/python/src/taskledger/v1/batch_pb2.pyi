from taskledger.v1 import envelope_pb2 as _envelope_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskBatch(_message.Message):
    __slots__ = ("groups", "order")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[TaskGroup]
    order: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, groups: _Optional[_Iterable[_Union[TaskGroup, _Mapping]]] = ..., order: _Optional[_Iterable[int]] = ...) -> None: ...

class TaskGroup(_message.Message):
    __slots__ = ("shared", "ids", "uuids", "data", "created_at", "saved_at", "rest")
    SHARED_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    UUIDS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SAVED_AT_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    shared: _envelope_pb2.TaskEnvelope
    ids: _containers.RepeatedScalarFieldContainer[str]
    uuids: bytes
    data: _containers.RepeatedScalarFieldContainer[bytes]
    created_at: _containers.RepeatedScalarFieldContainer[int]
    saved_at: _containers.RepeatedScalarFieldContainer[int]
    rest: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, shared: _Optional[_Union[_envelope_pb2.TaskEnvelope, _Mapping]] = ..., ids: _Optional[_Iterable[str]] = ..., uuids: _Optional[bytes] = ..., data: _Optional[_Iterable[bytes]] = ..., created_at: _Optional[_Iterable[int]] = ..., saved_at: _Optional[_Iterable[int]] = ..., rest: _Optional[_Iterable[bytes]] = ...) -> None: ...
