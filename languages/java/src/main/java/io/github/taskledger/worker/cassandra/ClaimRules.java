package io.github.taskledger.worker.cassandra;

import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Claim;
import io.github.taskledger.worker.ClaimState;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.InvalidTaskException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The rules by which every client judges claims; docs/protocol.md has them. Times are in milliseconds since 1970. */
final class ClaimRules {
  /** The end of a wait that has none, as after a completion. */
  static final long NEVER = 8_640_000_000_000_000L;

  /** How far ahead of every host's clock a right clock may make tokens, in milliseconds. */
  private static final long TOKEN_ALLOWANCE = 5_000;

  private static final int MAX_OWNER = 512;

  /** Who wants to claim which version, and for how long. */
  record Request(String taskList, String id, long savedAt, String owner, Duration lease) {
    /** Throws NOT_SAVED, INVALID_ARGUMENT. */
    static Request of(TaskEnvelope envelope, String owner, Duration lease) {
      if (owner.isEmpty() || owner.length() > MAX_OWNER)
        throw new InvalidTaskException(Code.INVALID_ARGUMENT, "owner must be a name of 1 to " + MAX_OWNER + " characters");
      if (owner.equals(Claim.REDELIVERY))
        throw new InvalidTaskException(Code.INVALID_ARGUMENT, "owner must not be " + owner + ", which stands for a mark");
      Claim.checkLease(lease);
      return new Request(envelope.getTaskList(), envelope.getId(), Envelopes.savedVersion(envelope), owner, lease);
    }

    /** What is remembered once it is granted; {@code before} may be null. */
    ClaimState granted(ClaimState before, long token, long now) {
      int attempt = before == null ? 1 : before.attempt() + 1;
      return new ClaimState(savedAt, owner, token, attempt, endOfLease(lease, now));
    }
  }

  private ClaimRules() {}

  /**
   * Whether a task may not be claimed. {@code tolerance} is how far the clocks of two hosts may be apart. A mark stands only in
   * the way of another mark, and this package sets none.
   */
  static boolean isClaimed(ClaimState state, Request request, long now, long tolerance) {
    if (Claim.REDELIVERY.equals(state.owner())) return false;
    boolean isHeld = state.owner() != null && now - tolerance < state.until();
    if (state.savedAt() != request.savedAt()) return isHeld && state.savedAt() > request.savedAt();
    if (state.owner() == null) return now < state.until() && !isOfWrongClock(state, now, tolerance);
    return isHeld && !state.owner().equals(request.owner());
  }

  /**
   * Whether a wait was noted by a clock that was wrong, or that has been set back since. The same clock made the token just
   * before; a wait that ends well before the token's time was noted after the clock had been set back, since tokens never go
   * back, and holds. Of a lease that is never said: its holder may be at work.
   */
  private static boolean isOfWrongClock(ClaimState state, long now, long tolerance) {
    long margin = 2 * tolerance + TOKEN_ALLOWANCE;
    long claimedAt = state.token() / 1000;
    return claimedAt > now + margin && claimedAt - margin < state.until() && state.until() < NEVER;
  }

  /** What the next token is larger than. One past the year 9999 is damaged, and one after it would be, too. */
  static long lastToken(ClaimState state) {
    return state == null || state.token() > Envelopes.MAX_VERSION ? 0 : state.token();
  }

  static long endOfLease(Duration lease, long now) {
    return Math.min(NEVER, now + Math.min(NEVER, TimeUnit.MILLISECONDS.convert(lease)));
  }

  /** At once means at once, whatever another host's clock says. */
  static long endOfWait(Duration retryIn, long now) {
    return retryIn.isZero() || retryIn.isNegative() ? 0 : endOfLease(retryIn.plusNanos(999_999), now);
  }
}
