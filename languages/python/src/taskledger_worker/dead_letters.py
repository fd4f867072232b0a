"""Copies of tasks that were given up, in a list of their own; docs/recovery.md has the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final
from urllib.parse import quote

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .envelope import MAX_KEY_BYTES, saved_version

_MAX_REASON: Final = 1000
# What ECMAScript's encodeURIComponent leaves as it is, beside letters, digits and "_.-~".
_UNESCAPED: Final = "!*'()"


def dead_letter(envelope: TaskEnvelope, task_list: str, attempts: int, error: BaseException) -> TaskEnvelope:
    """A copy for another list that says in its headers where it came from, and why, when and after how many attempts it
    was given up."""
    letter = TaskEnvelope()
    letter.CopyFrom(envelope)
    letter.ClearField("saved_at")
    letter.task_list, letter.id, letter.attempt = task_list, _letter_id(envelope), attempts
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    # One that is given up once more still leads back to where it came from first.
    if not {"taskledger-dead-list", "taskledger-dead-id"} <= letter.headers.keys():
        letter.headers["taskledger-dead-list"] = envelope.task_list
        letter.headers["taskledger-dead-id"] = envelope.id
    letter.headers["taskledger-dead-at"] = now.replace("+00:00", "Z")
    letter.headers["taskledger-dead-attempts"] = str(attempts)
    letter.headers["taskledger-dead-reason"] = _reason_of(error)
    return letter


def _letter_id(envelope: TaskEnvelope) -> str:
    """It follows from the task's list, id and version: a version that is given up twice is there once. The list is
    escaped, so that it is known where the id begins."""
    name = f"{quote(envelope.task_list, safe=_UNESCAPED)}/{envelope.id}@{saved_version(envelope)}"
    if len(name.encode()) <= MAX_KEY_BYTES and "\0" not in name:
        return name
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def _reason_of(error: BaseException) -> str:
    """In so few characters that it may travel with the task. A `TaskError` begins with its code; an exception
    without a readable message is named by its class."""
    message = _message_of(str, error) or _message_of(repr, error) or type(error).__name__
    return message[:_MAX_REASON].encode(errors="replace").decode()


def _message_of(describe: Callable[[object], str], error: BaseException) -> str:
    try:
        return describe(error)
    except Exception:
        return ""
