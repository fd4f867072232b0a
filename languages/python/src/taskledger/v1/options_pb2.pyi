from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor
TASK_FIELD_NUMBER: _ClassVar[int]
task: _descriptor.FieldDescriptor

class TaskOptions(_message.Message):
    __slots__ = ("list_field", "id_field", "class_name")
    LIST_FIELD_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    list_field: str
    id_field: str
    class_name: str
    def __init__(self, list_field: _Optional[str] = ..., id_field: _Optional[str] = ..., class_name: _Optional[str] = ...) -> None: ...
