"""Claims in Cassandra: rows that only lightweight transactions change, so that of several at once one succeeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from taskledger.v1.envelope_pb2 import TaskEnvelope

from .. import claim_rules
from ..claim_rules import ClaimRequest
from ..clock import VersionClock
from ..envelope import saved_version
from ..errors import TaskError
from ..store import Claim, ClaimState, new_owner
from .clock_guard import ClockGuard
from .session import RetryingSession

_ATTEMPTS: Final = 3
_TTL: Final = 30 * 24 * 3600
_COMPLETED_TTL: Final = 24 * 3600
# The end of a wait that has none: the last moment that a JavaScript Date knows.
_NEVER: Final = 8_640_000_000_000_000


class CassandraClaims:
    def __init__(
        self,
        session: RetryingSession,
        keyspace: str,
        clock: VersionClock,
        guard: ClockGuard,
        version_of: Callable[[str, str], int | None],
    ) -> None:
        """`version_of` gives the version of an open task."""
        self._session = session
        self._clock = clock
        self._guard = guard
        self._version_of = version_of

        def update(ttl: int, changes: str, condition: str) -> Any:
            query = f'UPDATE "{keyspace}".claims USING TTL {ttl} SET {changes} WHERE task_list = ? AND id = ? IF {condition}'
            return session.prepare(query, is_idempotent=False)

        is_held = "fencing_token = ? AND owner != null"
        self._read = session.prepare(
            f'SELECT saved_at, owner, fencing_token, attempt, ends_at FROM "{keyspace}".claims WHERE task_list = ? AND id = ?'
        )
        self._replace = update(
            _TTL,
            "saved_at = ?, owner = ?, fencing_token = ?, attempt = ?, ends_at = ?",
            "fencing_token = ? AND ends_at = ?",
        )
        self._renew = update(_TTL, "ends_at = ?", f"{is_held} AND ends_at < ?")
        self._release = update(_TTL, "owner = null, ends_at = ?", is_held)
        self._forget = update(_COMPLETED_TTL, "owner = null, fencing_token = ?, attempt = 0, ends_at = ?", is_held)

    def claim(self, envelope: TaskEnvelope, owner: str | None, lease: float) -> Claim | None:
        """Again if the row has changed meanwhile: by a release, for one, which is in nobody's way."""
        version = saved_version(envelope)
        request = ClaimRequest(envelope.task_list, envelope.id, version, owner or new_owner(), lease)
        for _ in range(_ATTEMPTS):
            self._guard.check()
            before, condition = self._state(request.task_list, request.id)
            # Before, so that no claim to a version that is gone stands in the way of one to a version that is open.
            if not self._is_open(request):
                return None
            tolerance = 2 * self._clock.limit // 1000
            state = claim_rules.grant(before, request, self._now(), tolerance, self._clock.next)
            if state is None:
                return None
            if not self._put(request, state, condition):
                continue
            # After, since it may have been completed before this claim was granted.
            if self._is_open(request):
                return claim_rules.to_claim(request, state)
            self._take_back(request, before, state)
            return None
        return None

    def renew(self, claim: Claim, lease: float) -> int:
        """When the lease ends then."""
        claim_rules.check_lease(lease)
        self._guard.check()
        until = claim_rules.end_of_lease(lease, self._now())
        values = (until, claim.task_list, claim.id, claim.token, until)
        found = self._session.transact(self._renew, values, may_repeat=True)
        if found["[applied]"]:
            return until
        if found.get("owner") is None or found.get("fencing_token") != claim.token:
            raise claim_rules.lost(claim)
        return int(found["ends_at"])  # another renewal made it end later

    def release(self, claim: Claim, retry_in: float) -> None:
        until = claim_rules.end_of_wait(retry_in, self._now())
        values = (until, claim.task_list, claim.id, claim.token)
        self._session.transact(self._release, values, may_repeat=True)

    def forget(self, claim: Claim) -> None:
        values = (claim.token, _NEVER, claim.task_list, claim.id, claim.token)
        self._session.transact(self._forget, values, may_repeat=True)

    def state(self, task_list: str, id: str) -> ClaimState | None:
        return self._state(task_list, id)[0]

    def _state(self, task_list: str, id: str) -> tuple[ClaimState | None, tuple[int | None, int | None]]:
        """What is remembered, and the token and end that the next transaction must find."""
        rows = self._session.read(self._read, (task_list, id))
        if not rows:
            return None, (None, None)
        saved_at, owner, token, attempt, until = rows[0]
        state = None if token is None else ClaimState(saved_at or 0, owner, token, attempt or 0, until or 0)
        return state, (token, until)

    def _put(self, request: ClaimRequest, state: ClaimState | None, condition: tuple[int | None, int | None]) -> bool:
        values: tuple[Any, ...] = (None,) * 5
        if state:
            values = (state.saved_at, state.owner, state.token, state.attempt, state.until)
        values = (*values, request.task_list, request.id, *condition)
        return bool(self._session.transact(self._replace, values, may_repeat=False)["[applied]"])

    def _take_back(self, request: ClaimRequest, before: ClaimState | None, state: ClaimState) -> None:
        """As if the claim had not been. If it fails, the claim expires."""
        try:
            self._put(request, before, (state.token, state.until))
        except TaskError:
            return

    def _is_open(self, request: ClaimRequest) -> bool:
        return self._version_of(request.task_list, request.id) == request.saved_at

    def _now(self) -> int:
        return self._clock.now() // 1000
