"""The rules by which every client judges claims; docs/protocol.md has them. Times are in milliseconds since 1970."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from .envelope import MAX_VERSION
from .errors import Code, TaskError
from .store import Claim, ClaimState

LEAST_LEASE: Final = 0.01

REDELIVERY: Final = "taskledger.redelivery"
"""The owner of a mark: of a note that the task was handed to a queue again, and not of a claim to the work."""


@dataclass(frozen=True)
class ClaimRequest:
    task_list: str
    id: str
    saved_at: int
    owner: str
    lease: float
    """In seconds."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.owner) <= 512:
            raise TaskError(Code.INVALID_ARGUMENT, "owner must be a name of 1 to 512 characters")
        if self.owner == REDELIVERY:
            raise TaskError(Code.INVALID_ARGUMENT, f"owner must not be {REDELIVERY}, which stands for a mark of redeliver")
        check_lease(self.lease)


def check_lease(lease: float) -> None:
    check_seconds("lease", lease, LEAST_LEASE)


def check_seconds(name: str, value: float, least: float = 0) -> None:
    """Also refuses what no thread can wait for, and what is no number."""
    if not least <= value <= threading.TIMEOUT_MAX:
        reason = f"{name} must be at least {least} and at most {threading.TIMEOUT_MAX} seconds, and is {value}"
        raise TaskError(Code.INVALID_ARGUMENT, reason)


def is_claimed(state: ClaimState, request: ClaimRequest, now: int, tolerance: int) -> bool:
    """Whether a task may not be claimed. `tolerance` is how far the clocks of two hosts may be apart.

    A mark stands only in the way of another mark, and this package sets none.
    """
    if state.owner == REDELIVERY:
        return False
    is_held = state.owner is not None and now < state.until + tolerance
    if state.saved_at != request.saved_at:
        return is_held and state.saved_at > request.saved_at
    if state.owner is None:
        return now < state.until and not _is_of_wrong_clock(state, now, tolerance)
    return is_held and state.owner != request.owner


TOKEN_ALLOWANCE: Final = 5_000
"""How far ahead of every host's clock a right clock may make tokens, in milliseconds."""

NEVER: Final = 8_640_000_000_000_000
"""The end of a wait that has none, as after a completion, in milliseconds."""


def _is_of_wrong_clock(state: ClaimState, now: int, tolerance: int) -> bool:
    """Whether a wait was noted by a clock that was wrong, or that has been set back since.

    The same clock made the token just before; a wait that ends well before the token's time was noted after the clock
    had been set back, since tokens never go back, and holds. Of a lease that is never said: its holder may be at work.
    """
    margin = 2 * tolerance + TOKEN_ALLOWANCE
    claimed_at = state.token // 1000
    return claimed_at > now + margin and claimed_at - margin < state.until < NEVER


def grant(
    previous: ClaimState | None, request: ClaimRequest, now: int, tolerance: int, next_token: Callable[[int], int]
) -> ClaimState | None:
    """The state after a request is granted; None if it may not be. `next_token` gives a number later than another."""
    if previous and is_claimed(previous, request, now, tolerance):
        return None
    # A token past the year 9999 is damaged. One after it would be, too.
    token = next_token(previous.token if previous and previous.token <= MAX_VERSION else 0)
    attempt = (previous.attempt if previous else 0) + 1
    return ClaimState(request.saved_at, request.owner, token, attempt, end_of_lease(request.lease, now))


def renewed(state: ClaimState, lease: float, now: int) -> ClaimState:
    """An earlier renewal may arrive late: the lease never ends earlier than it would."""
    return replace(state, until=max(state.until, end_of_lease(lease, now)))


def released(state: ClaimState, retry_in: float, now: int) -> ClaimState:
    return replace(state, owner=None, until=end_of_wait(retry_in, now))


def end_of_lease(lease: float, now: int) -> int:
    return math.floor(now + lease * 1000)


def end_of_wait(retry_in: float, now: int) -> int:
    """At once means at once, whatever another host's clock says."""
    return math.ceil(now + retry_in * 1000) if retry_in > 0 else 0


def to_claim(request: ClaimRequest, state: ClaimState) -> Claim:
    return Claim(request.task_list, request.id, state.saved_at, request.owner, state.token, state.attempt, state.until)


def lost(claim: Claim) -> TaskError:
    return TaskError(Code.CLAIM_LOST, f"{claim.owner} has lost its claim to task {claim.id!r} of {claim.task_list!r}")
