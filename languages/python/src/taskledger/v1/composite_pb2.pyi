from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Composite(_message.Message):
    __slots__ = ("child_task_list",)
    CHILD_TASK_LIST_FIELD_NUMBER: _ClassVar[int]
    child_task_list: str
    def __init__(self, child_task_list: _Optional[str] = ...) -> None: ...
