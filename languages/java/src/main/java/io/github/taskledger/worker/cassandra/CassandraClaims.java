package io.github.taskledger.worker.cassandra;

import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Claim;
import io.github.taskledger.worker.ClaimState;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.cassandra.CassandraSession.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Claims in Cassandra: rows that only lightweight transactions change, so that of several at once one succeeds. */
final class CassandraClaims {
  /** At a claim, if the row keeps changing. */
  private static final int ATTEMPTS = 3;

  /** In seconds: 30 days, and one after a completion. */
  private static final int TTL = 2_592_000;
  private static final int COMPLETED_TTL = 86_400;

  private static final String PLACE = " WHERE task_list = ? AND id = ?";
  private static final String IF_HELD = PLACE + " IF fencing_token = ? AND owner != null";

  /** What is remembered, or null, and the token and the end that the next transaction must find. */
  private record Found(ClaimState state, Long token, Long until) {}

  private final CassandraStore store;
  private final ClockGuard guard;
  /** How far the clocks of two hosts may be apart, in milliseconds. */
  private final long tolerance;

  CassandraClaims(CassandraStore store, ClockGuard guard) {
    this.store = store;
    this.guard = guard;
    this.tolerance = 2 * store.clock().limit() / 1000;
  }

  /** Again if the row has changed meanwhile: by a release, for one, which is in nobody's way. */
  Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease) {
    var request = ClaimRules.Request.of(envelope, owner, lease);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      guard.check();
      Found before = read(request.taskList(), request.id());
      // Before, so that no claim to a version that is gone stands in the way of one to a version that is open.
      if (!isOpen(request)) return Optional.empty();
      long now = now();
      ClaimState last = before.state();
      if (last != null && ClaimRules.isClaimed(last, request, now, tolerance)) return Optional.empty();
      ClaimState state = request.granted(last, store.clock().next(ClaimRules.lastToken(last)), now);
      if (replace(request, before.token(), before.until(), state)) return confirm(request, last, state);
    }
    return Optional.empty();
  }

  /** Looks once more, since it may have been completed before the claim was granted; then it is as if that had not been. */
  private Optional<Claim> confirm(ClaimRules.Request request, ClaimState before, ClaimState state) {
    if (!isOpen(request)) {
      takeBack(request, before, state);
      return Optional.empty();
    }
    return Optional.of(new Claim(
        request.taskList(), request.id(), state.savedAt(), state.owner(), state.token(), state.attempt(), state.until()));
  }

  private void takeBack(ClaimRules.Request request, ClaimState before, ClaimState state) {
    try {
      replace(request, state.token(), state.until(), before);
    } catch (StoreException expires) {
      return;
    }
  }

  Claim renew(Claim claim, Duration lease) {
    Claim.checkLease(lease);
    guard.check();
    long until = ClaimRules.endOfLease(lease, now());
    var found = transact(TTL, "ends_at = ?", IF_HELD + " AND ends_at < ?", true,
        until, claim.taskList(), claim.id(), claim.token(), until);
    if (isApplied(found)) return until(claim, until);
    if (found.get("owner") == null || !Long.valueOf(claim.token()).equals(found.get("fencing_token"))) throw lost(claim);
    return until(claim, (long) found.get("ends_at")); // another renewal made it end later
  }

  void release(Claim claim, Duration retryIn) {
    long until = ClaimRules.endOfWait(retryIn, now());
    transact(TTL, "owner = null, ends_at = ?", IF_HELD, true, until, claim.taskList(), claim.id(), claim.token());
  }

  void forget(Claim claim) {
    transact(COMPLETED_TTL, "owner = null, fencing_token = ?, attempt = 0, ends_at = ?", IF_HELD, true,
        claim.token(), ClaimRules.NEVER, claim.taskList(), claim.id(), claim.token());
  }

  Optional<ClaimState> state(String taskList, String id) {
    return Optional.ofNullable(read(taskList, id).state());
  }

  private Found read(String taskList, String id) {
    String query = "SELECT saved_at, owner, fencing_token, attempt, ends_at FROM %s.claims" + PLACE;
    List<Map<String, Object>> rows = store.session().read(store.cql(query, taskList, id));
    if (rows.isEmpty()) return new Found(null, null, null);
    Map<String, Object> row = rows.get(0);
    Long token = (Long) row.get("fencing_token");
    Long until = (Long) row.get("ends_at");
    ClaimState state = token == null ? null : new ClaimState(
        number(row.get("saved_at")), (String) row.get("owner"), token, (int) number(row.get("attempt")), number(until));
    return new Found(state, token, until);
  }

  private static long number(Object value) {
    return value instanceof Number number ? number.longValue() : 0;
  }

  /** The state may be null. Sent once: if it was applied, a second would find its row, and be refused. */
  private boolean replace(ClaimRules.Request request, Long token, Long until, ClaimState state) {
    List<Object> values = new ArrayList<>(state == null
        ? Collections.nCopies(5, null)
        : Arrays.asList(state.savedAt(), state.owner(), state.token(), state.attempt(), state.until()));
    values.addAll(Arrays.asList(request.taskList(), request.id(), token, until));
    String changes = "saved_at = ?, owner = ?, fencing_token = ?, attempt = ?, ends_at = ?";
    String condition = PLACE + " IF fencing_token = ? AND ends_at = ?";
    return isApplied(transact(TTL, changes, condition, false, values.toArray()));
  }

  private Map<String, Object> transact(int ttl, String changes, String condition, boolean mayRepeat, Object... values) {
    Statement statement = store.cql("UPDATE %s.claims USING TTL " + ttl + " SET " + changes + condition, values);
    return store.session().transact(statement, mayRepeat);
  }

  private static boolean isApplied(Map<String, Object> answer) {
    return Boolean.TRUE.equals(answer.get("[applied]"));
  }

  private boolean isOpen(ClaimRules.Request request) {
    return store.find(request.taskList(), request.id())
        .map(found -> Envelopes.savedVersion(found) == request.savedAt())
        .orElse(false);
  }

  private long now() {
    return store.clock().now() / 1000;
  }

  private static Claim until(Claim claim, long until) {
    return new Claim(
        claim.taskList(), claim.id(), claim.savedAt(), claim.owner(), claim.token(), claim.attempt(), until);
  }

  private static StoreException lost(Claim claim) {
    String task = "task \"" + claim.id() + "\" of \"" + claim.taskList() + '"';
    return new StoreException(Code.CLAIM_LOST, claim.owner() + " has lost its claim to " + task, false, null);
  }
}
