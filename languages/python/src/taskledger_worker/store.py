"""What a store of tasks can do, whichever database it is on."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import MAX_TASK_BYTES


@dataclass
class Task:
    """A task that is to be saved, and the versions that saves of unknown outcome may have left behind it."""

    envelope: TaskEnvelope
    replaced: list[int] = field(default_factory=list)
    limit: int = MAX_TASK_BYTES
    """How many bytes the envelope may have."""


@dataclass(frozen=True)
class Claim:
    """A worker's right to a version of a task for a time; docs/recovery.md says what it guarantees, and what not."""

    task_list: str
    id: str
    saved_at: int
    owner: str
    token: int
    """Grows with every claim to the task: give it to what you write to, and let that refuse smaller ones."""
    attempt: int
    """Which attempt at the task this is, from 1."""
    until: int
    """When the lease ends, in milliseconds since 1970."""


@dataclass(frozen=True)
class ClaimState:
    """What a store remembers of the claims to a task."""

    saved_at: int
    """The version that was claimed last; 0 if none was."""
    owner: str | None
    """None since it was released."""
    token: int
    attempt: int
    """How often the task has been claimed."""
    until: int
    """When the lease ends, or, after a release, when the task may be claimed again; in milliseconds since 1970."""


class Store(Protocol):
    """Saves, finds, lists, claims and completes tasks. Every method may be called by many threads at once.

    Every method raises `TaskError`: UNAVAILABLE, TIMEOUT, CLOSED and SCHEMA_MISMATCH can come from any of them.
    """

    def save(self, task: Task) -> None:
        """Saves a task durably; its envelope then has the version. An open task of the same list and id is replaced.

        Raises INVALID_ENVELOPE, TOO_LARGE and CLOCK_SKEW. If an error's outcome is "unknown", the task has the version
        that it may have been saved as: saving or completing it again is safe.
        """

    def complete(self, envelope: TaskEnvelope) -> None:
        """Removes the version that the envelope has, and older ones, never a later one. Raises NOT_SAVED."""

    def find(self, task_list: str, id: str) -> TaskEnvelope | None:
        """The open task; None if there is none."""

    def open_tasks(self, task_list: str, *, older_than: float = 0) -> Iterator[TaskEnvelope]:
        """The open tasks of a list, oldest first, read as they are asked for, at most 500 and 4 MiB at once.

        With `older_than`, only those that were saved so many seconds ago, and those that a wrong clock saved, which may
        be of any age. A task whose stored bytes are damaged comes as one of type `taskledger.v1.DamagedTask`.
        """

    def claim(self, envelope: TaskEnvelope, *, owner: str | None = None, lease: float = 60) -> Claim | None:
        """Claims the envelope's version for `lease` seconds; None if another has it, or it is not open any more.

        A claim of unknown outcome raises; it counts as not granted, and expires if it was. Raises NOT_SAVED.
        """

    def renew(self, claim: Claim, lease: float = 60) -> Claim:
        """Makes the lease last from now. Raises CLAIM_LOST if the claim was released, or the task is another's by now."""

    def release(self, claim: Claim, *, retry_in: float = 0) -> None:
        """Ends a claim; the task may be claimed again in so many seconds."""

    def forget(self, claim: Claim) -> None:
        """Ends the claim of a task that has been completed under it."""

    def claim_state(self, task_list: str, id: str) -> ClaimState | None:
        """What is remembered of the claims to a task, as it was some moment ago; None if nothing is."""


def new_owner() -> str:
    """The name of an owner that nobody else has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
