"""Batches: many tasks in one message, as proto/taskledger/v1/batch.proto defines it."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from taskledger.v1.batch_pb2 import TaskBatch, TaskGroup
from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import MAX_TASK_BYTES, check_envelope, check_key, check_times, set_micros
from .errors import Code, TaskError

MAX_BATCH_TASKS: Final = 10_000
MAX_SHARED_BYTES: Final = 1024
BATCH_OVERHEAD_BYTES: Final = 4096


def is_batch(data: bytes) -> bool:
    """Tells a batch from an envelope."""
    return data[:2] == b"\x82\x01"


def decode_batch(data: bytes, limit: int = MAX_TASK_BYTES) -> Iterator[TaskEnvelope]:
    """The envelopes of a batch, in order. Raises at once TOO_LARGE and INVALID_BATCH, in its place INVALID_ENVELOPE.

    Each is made when it is asked for, with headers of its own, since messages cannot share any here: 50 KB may have 10,000
    tasks that share a kilobyte. Keep the batch and not a list of its envelopes, which may take a hundred megabytes.
    """
    if len(data) > limit + BATCH_OVERHEAD_BYTES:
        raise TaskError(Code.TOO_LARGE, f"the batch has {len(data)} bytes")
    try:
        batch = TaskBatch.FromString(bytes(data))
    except DecodeError as error:
        raise TaskError(Code.INVALID_BATCH, f"the bytes are no TaskBatch: {error}") from error
    _check_batch(batch)
    readers = [_envelopes_of(group) for group in batch.groups]
    return (next(readers[group]) for group in batch.order) if batch.order else itertools.chain(*readers)


def _check_batch(batch: TaskBatch) -> None:
    # The groups are counted first: to look at each takes longer than to read them.
    if max(len(batch.groups), len(batch.order)) > MAX_BATCH_TASKS or sum(map(_claimed_size, batch.groups)) > MAX_BATCH_TASKS:
        raise TaskError(Code.TOO_LARGE, f"the batch has more than {MAX_BATCH_TASKS} tasks, the limit")
    sizes = [len(group.data) for group in batch.groups]
    is_in_order = len(sizes) <= 1 and not batch.order
    fits = is_in_order or Counter(batch.order) == Counter(dict(enumerate(sizes)))
    if not fits or len(UnknownFieldSet(batch)) > 0 or not all(map(_is_group, batch.groups)):
        raise TaskError(Code.INVALID_BATCH, "its columns or its order do not fit, or it has unknown fields")


def _claimed_size(group: TaskGroup) -> int:
    """How many tasks a group claims to have, by its longest column, whether or not they fit each other."""
    columns = (group.data, group.ids, group.created_at, group.saved_at, group.rest)
    return max(1, *(len(column) for column in columns))


def _is_group(group: TaskGroup) -> bool:
    count = len(group.data)
    has_ids = len(group.ids) == count and not group.uuids if group.ids else len(group.uuids) == 16 * count
    fits = all(size in (0, count) for size in (len(group.created_at), len(group.saved_at), len(group.rest)))
    is_known = len(UnknownFieldSet(group)) == 0
    are_times = all(map(_stay_in_64_bits, (group.created_at, group.saved_at)))
    return count > 0 and has_ids and fits and is_known and are_times and _is_small(group)


def _is_small(group: TaskGroup) -> bool:
    """Few bytes must not become many: what is shared is merged with nothing but a list and a type."""
    shared = group.shared
    size = shared.ByteSize()
    plain = TaskEnvelope(task_list=shared.task_list, data=shared.data if shared.HasField("data") else None)
    return size <= MAX_SHARED_BYTES and (not group.rest or size == plain.ByteSize())


def _envelopes_of(group: TaskGroup) -> Iterator[TaskEnvelope]:
    group.shared.data.SetInParent()
    ids = group.ids or (str(uuid.UUID(bytes=group.uuids[i : i + 16])) for i in range(0, len(group.uuids), 16))
    # A column that is not there is as long as the others.
    created_at = itertools.accumulate(group.created_at) if group.created_at else itertools.repeat(None)
    saved_at = itertools.accumulate(group.saved_at) if group.saved_at else itertools.repeat(None)
    rests = group.rest or itertools.repeat(b"")
    for i, (id, value, created, saved, rest) in enumerate(zip(ids, group.data, created_at, saved_at, rests)):
        envelope = TaskEnvelope()
        envelope.CopyFrom(group.shared)
        envelope.id = id
        envelope.data.value = value
        if created is not None:
            set_micros(envelope.created_at, created)
        if saved is not None:
            set_micros(envelope.saved_at, saved)
        if rest:
            _merge(envelope, rest)
        # What tasks share is checked with the first of them.
        if i == 0 or rest:
            check_envelope(envelope, Code.INVALID_ENVELOPE)
        else:
            check_key("id", id, Code.INVALID_ENVELOPE)
            check_times(envelope, Code.INVALID_ENVELOPE)
        yield envelope


def _merge(envelope: TaskEnvelope, rest: bytes) -> None:
    try:
        envelope.MergeFromString(rest)
    except DecodeError as error:
        raise TaskError(Code.INVALID_ENVELOPE, f"what the columns do not have is no envelope: {error}") from error


def _stay_in_64_bits(differences: Iterable[int]) -> bool:
    return all(-(2**63) <= time < 2**63 for time in itertools.accumulate(differences))
