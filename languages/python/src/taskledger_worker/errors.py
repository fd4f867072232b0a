"""The one error that this package raises, with its stable codes."""

from __future__ import annotations

from enum import Enum
from typing import Literal

Outcome = Literal["not-applied", "unknown"]


class Code(str, Enum):
    """What went wrong. The words are the same in every language; docs/errors.md says what to do about each."""

    ABORTED = "ABORTED"
    CLAIM_LOST = "CLAIM_LOST"
    CLOCK_SKEW = "CLOCK_SKEW"
    CLOSED = "CLOSED"
    DUPLICATE_TYPE = "DUPLICATE_TYPE"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    INVALID_BATCH = "INVALID_BATCH"
    INVALID_ENVELOPE = "INVALID_ENVELOPE"
    INVALID_HASH = "INVALID_HASH"
    INVALID_KEY = "INVALID_KEY"
    MISSING_DRIVER = "MISSING_DRIVER"
    NOT_SAVED = "NOT_SAVED"
    OVERLOADED = "OVERLOADED"
    SCHEMA_MISMATCH = "SCHEMA_MISMATCH"
    TIMEOUT = "TIMEOUT"
    TOO_LARGE = "TOO_LARGE"
    TRUNCATED = "TRUNCATED"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"

    def __str__(self) -> str:
        return self.value


class TaskError(Exception):
    """An error with a stable code.

    `outcome` is "unknown" if a write may have been applied all the same; saving or completing again is always safe.
    """

    def __init__(self, code: Code, message: str, outcome: Outcome = "not-applied") -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.outcome: Outcome = outcome
        self._message = message

    def __reduce__(self) -> tuple[type[TaskError], tuple[Code, str, Outcome]]:
        # From a process of a pool it comes pickled; one that can't be read again makes the caller wait forever.
        return type(self), (self.code, self._message, self.outcome)
