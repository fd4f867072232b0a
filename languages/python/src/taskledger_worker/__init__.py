"""A worker for Taskledger's tasks: reads them from frames, does them, and completes them in Cassandra or SQLite.

>>> worker = Worker(SqliteStore("ledger.db"))
>>> @worker.does(FetchFile)
... def fetch(file: FetchFile, context: Context) -> None: ...
>>> worker.run(sys.stdin.buffer)
"""

from .aio import AsyncWorker
from .batch import MAX_BATCH_TASKS, decode_batch, is_batch
from .clock import VersionClock
from .envelope import (
    MAX_KEY_BYTES,
    MAX_TASK_BYTES,
    Types,
    decode,
    decode_data,
    encode,
    is_damaged,
    new_envelope,
    type_of,
    version_of,
)
from .errors import Code, TaskError
from .frames import MAX_FRAME_BYTES, FrameReader, read_frames, write_frame
from .handlers import Context, Result, Summary
from .hash import from_hash, to_hash
from .sqlite import SqliteStore
from .store import Claim, ClaimState, Store, Task
from .worker import Worker

__version__ = "0.1.0"

__all__ = [
    "MAX_BATCH_TASKS",
    "MAX_FRAME_BYTES",
    "MAX_KEY_BYTES",
    "MAX_TASK_BYTES",
    "AsyncWorker",
    "Claim",
    "ClaimState",
    "Code",
    "Context",
    "FrameReader",
    "Result",
    "SqliteStore",
    "Store",
    "Summary",
    "Task",
    "TaskError",
    "Types",
    "VersionClock",
    "Worker",
    "decode",
    "decode_batch",
    "decode_data",
    "encode",
    "from_hash",
    "is_batch",
    "is_damaged",
    "new_envelope",
    "read_frames",
    "to_hash",
    "type_of",
    "version_of",
    "write_frame",
]
