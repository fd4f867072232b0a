"""What becomes of a task that is done under a claim: completed, tried again later, or given up; docs/recovery.md has the
rules. Nothing here runs a handler: workers with threads and with an event loop do that, each in its way."""

from __future__ import annotations

import logging
import random
import sys
import time
from dataclasses import dataclass
from typing import Final

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .claim_rules import REDELIVERY, check_lease, check_seconds
from .dead_letters import dead_letter
from .envelope import check_key, saved_version, version_of
from .errors import Code, TaskError
from .handlers import Result, name_of
from .store import Claim, ClaimState, Store, Task

_RENEWALS_A_LEASE: Final = 3
_LEAST_WAIT: Final = 0.001

PASSING_ERRORS: Final = frozenset({Code.UNAVAILABLE, Code.TIMEOUT, Code.OVERLOADED, Code.CLOCK_SKEW})
"""After them a later pass over a list may succeed."""


@dataclass(frozen=True)
class Terms:
    """On which a worker claims tasks, tries them again, and gives them up. Times are in seconds."""

    lease: float
    max_attempts: int | None
    backoff: tuple[float, float]
    dead_letter_list: str | None
    owner: str

    def __post_init__(self) -> None:
        check_lease(self.lease)
        if self.max_attempts is not None and self.max_attempts < 1:
            raise TaskError(Code.INVALID_ARGUMENT, f"max_attempts must be at least 1, and is {self.max_attempts}")
        for seconds in self.backoff:
            check_seconds("backoff", seconds)
        if self.dead_letter_list is not None:
            check_key("dead_letter_list", self.dead_letter_list)

    def wait_after(self, attempt: int) -> float:
        """A random part of a delay that doubles with each attempt."""
        initial, most = self.backoff
        return random.random() * min(most, initial * 2.0 ** min(attempt - 1, 31))


def check_passes(task_list: str, older_than: float, every: float | None) -> None:
    """What `recover` is given besides its terms. Raises INVALID_KEY, INVALID_ARGUMENT."""
    check_key("task_list", task_list)
    check_seconds("older_than", older_than)
    if every is not None:
        check_seconds("every", every)


@dataclass(frozen=True)
class Attempt:
    """A task that is claimed."""

    envelope: TaskEnvelope
    claim: Claim
    comes_too_late: bool
    """Whether the last attempt that is allowed came to no end: its worker died, or was stopped."""


@dataclass(frozen=True)
class Ending:
    """What came of an attempt, and in how many seconds the task may be claimed again; None if it has been completed."""

    result: Result
    retry_in: float | None


class Attempts:
    """Begins and ends attempts. Every method may wait for the store, and raise what it raises."""

    def __init__(self, store: Store, terms: Terms, logger: logging.Logger) -> None:
        self._store = store
        self._terms = terms
        self._logger = logger

    def begin(self, envelope: TaskEnvelope) -> Attempt | None:
        """Claims a task; None if another has it, or it was given up before."""
        before = self._claims_before(envelope)
        if before is not None and self._was_left_open(envelope, before):
            return None
        claim = self._claim(envelope)
        if claim is None:
            return None
        # A version that nobody has claimed yet is tried once at least.
        return Attempt(envelope, claim, before is not None and claim.attempt > self._most_attempts)

    def complete(self, attempt: Attempt) -> Ending:
        """Even if the claim has been lost by now: it is done. If this raises, the claim expires."""
        self._store.complete(attempt.envelope)
        return Ending(Result.COMPLETED, None)

    def fail(self, attempt: Attempt, error: BaseException, *, was_cancelled: bool) -> Ending:
        """The handler raised. What was cancelled may be tried again at once."""
        if was_cancelled:
            self._logger.warning("%s was interrupted", name_of(attempt.envelope), exc_info=error)
            return self.interrupt(attempt)
        if attempt.claim.attempt >= self._most_attempts:
            return self.give_up(attempt, error)
        return self._retry_later(attempt, error)

    def interrupt(self, attempt: Attempt) -> Ending:
        """A wait, however short, tells a task whose last attempt was interrupted from one that was given up and left open."""
        is_last = attempt.claim.attempt >= self._most_attempts and self._dead_letter_list_of(attempt.envelope) is None
        return Ending(Result.FAILED, _LEAST_WAIT if is_last else 0)

    def give_up(self, attempt: Attempt, error: BaseException | None = None) -> Ending:
        error = error or TaskError(Code.TIMEOUT, "its last attempt came to no end: the worker died, or was stopped")
        try:
            ending = self._put_aside(attempt, error)
        except TaskError as cause:
            return self._retry_later(attempt, cause)
        if ending.result is Result.GIVEN_UP:
            count = attempt.claim.attempt
            self._logger.error("%s is given up after %d attempts", name_of(attempt.envelope), count, exc_info=error)
        return ending

    def end(self, attempt: Attempt, ending: Ending) -> None:
        """Ends the claim. One that can't be ended expires."""
        try:
            if ending.retry_in is None:
                self._store.forget(attempt.claim)
            else:
                self._store.release(attempt.claim, retry_in=ending.retry_in)
        except TaskError as error:
            self._logger.warning("the claim to %s could not be ended: %s", name_of(attempt.envelope), error)

    @property
    def _most_attempts(self) -> float:
        return float("inf") if self._terms.max_attempts is None else self._terms.max_attempts

    def _claims_before(self, envelope: TaskEnvelope) -> ClaimState | None:
        """What is known of the claims to this very version, if that matters."""
        if self._terms.max_attempts is None:
            return None
        state = self._store.claim_state(envelope.task_list, envelope.id)
        return state if state and state.saved_at == saved_version(envelope) else None

    def _was_left_open(self, envelope: TaskEnvelope, before: ClaimState) -> bool:
        """It was given up, and there was no list for it to go to; nor is there now."""
        if self._dead_letter_list_of(envelope) is not None:
            return False
        # A mark hides whether the last attempt failed or its worker died, which is still to be told.
        if before.owner == REDELIVERY:
            return before.attempt > self._most_attempts
        return before.owner is None and before.attempt >= self._most_attempts and before.until == 0

    def _claim(self, envelope: TaskEnvelope) -> Claim | None:
        try:
            return self._store.claim(envelope, owner=self._terms.owner, lease=self._terms.lease)
        except TaskError as error:
            if error.outcome == "not-applied":
                raise
            self._logger.warning("whether %s is claimed now is unknown: %s", name_of(envelope), error)
            return None

    def _put_aside(self, attempt: Attempt, error: BaseException) -> Ending:
        """First the copy, then the original: at no time is the task in neither list."""
        envelope, dead_letter_list = attempt.envelope, self._dead_letter_list_of(attempt.envelope)
        if dead_letter_list is None:
            return Ending(Result.GIVEN_UP, 0)
        # As it is in the store: the handler may have saved it again, or completed it.
        found = self._store.find(envelope.task_list, envelope.id)
        if found is None or version_of(found) != saved_version(envelope):
            return Ending(Result.PASSED_OVER, 0)
        letter = dead_letter(found, dead_letter_list, attempt.claim.attempt, error)
        # It is in the store already: what a copy has besides must not keep it from being given up.
        self._store.save(Task(letter, limit=sys.maxsize))
        self._store.complete(envelope)
        return Ending(Result.GIVEN_UP, None)

    def _dead_letter_list_of(self, envelope: TaskEnvelope) -> str | None:
        """Where the task goes if it is given up; a dead letter stays where it is."""
        name = self._terms.dead_letter_list
        return None if name == envelope.task_list else name

    def _retry_later(self, attempt: Attempt, error: BaseException) -> Ending:
        count = attempt.claim.attempt
        wait = self._terms.wait_after(count)
        name = name_of(attempt.envelope)
        self._logger.error("%s failed at attempt %d; again in %.1f s", name, count, wait, exc_info=error)
        return Ending(Result.FAILED, wait)


class Renewals:
    """Renews a claim each third of its lease. The lease is counted from before it was asked for, and its last tenth as
    over."""

    def __init__(self, store: Store, claim: Claim, lease: float, logger: logging.Logger) -> None:
        self._store = store
        self._claim = claim
        self._lease = lease
        self._logger = logger
        self._held_until = time.monotonic() + lease * 0.9

    def pause(self) -> float:
        """How many seconds to wait before the next."""
        return max(0.0, min(self._lease / _RENEWALS_A_LEASE, self._held_until - time.monotonic()))

    def renew(self) -> bool:
        """False if the claim has been lost."""
        asked_at = time.monotonic()
        if asked_at >= self._held_until:
            return False
        try:
            self._store.renew(self._claim, self._lease)
            self._held_until = asked_at + self._lease * 0.9
        except TaskError as error:
            self._logger.warning("%s", error)
            return error.code is not Code.CLAIM_LOST
        return True
