package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A store of one process, in memory. */
class MemoryStore implements Store {
  private final Map<String, TaskEnvelope> tasks = new LinkedHashMap<>();
  private final Map<String, ClaimState> claims = new LinkedHashMap<>();
  private long last = 1_767_323_046_000_000L;

  @Override
  public synchronized void save(Task task) {
    Envelopes.encodeBody(task.envelope(), task.limit());
    TaskEnvelope saved = Envelopes.withVersion(task.envelope(), ++last);
    tasks.remove(keyOf(saved));
    tasks.put(keyOf(saved), saved);
    task.adopt(saved, List.of());
  }

  @Override
  public synchronized void complete(TaskEnvelope envelope) {
    tasks.computeIfPresent(keyOf(envelope), (key, open) ->
        Envelopes.savedVersion(open) > Envelopes.savedVersion(envelope) ? open : null);
  }

  @Override
  public synchronized Optional<TaskEnvelope> find(String taskList, String id) {
    return Optional.ofNullable(tasks.get(taskList + "/" + id));
  }

  @Override
  public synchronized Stream<TaskEnvelope> openTasks(String taskList, Duration olderThan) {
    return List.copyOf(tasks.values()).stream().filter(each -> each.getTaskList().equals(taskList));
  }

  @Override
  public synchronized Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease) {
    long version = Envelopes.savedVersion(envelope);
    ClaimState state = claims.get(keyOf(envelope));
    boolean isMark = state != null && Claim.REDELIVERY.equals(state.owner());
    boolean isTaken = state != null && !isMark && state.savedAt() == version && System.currentTimeMillis() < state.until()
        && !owner.equals(state.owner());
    if (isTaken || !envelope.equals(tasks.get(keyOf(envelope)))) return Optional.empty();
    int attempt = state == null ? 1 : state.attempt() + 1;
    ClaimState granted = new ClaimState(version, owner, ++last, attempt, System.currentTimeMillis() + lease.toMillis());
    claims.put(keyOf(envelope), granted);
    return Optional.of(new Claim(
        envelope.getTaskList(), envelope.getId(), version, owner, granted.token(), attempt, granted.until()));
  }

  @Override
  public synchronized Claim renew(Claim claim, Duration lease) {
    ClaimState state = claims.get(keyOf(claim));
    if (state == null || state.token() != claim.token() || state.owner() == null)
      throw new StoreException(Code.CLAIM_LOST, "it is another's", false, null);
    put(claim, state.owner(), state.attempt(), System.currentTimeMillis() + lease.toMillis());
    return claim;
  }

  @Override
  public synchronized void release(Claim claim, Duration retryIn) {
    ClaimState state = claims.get(keyOf(claim));
    if (state == null || state.token() != claim.token()) return;
    put(claim, null, state.attempt(), retryIn.isZero() ? 0 : System.currentTimeMillis() + retryIn.toMillis());
  }

  @Override
  public synchronized void forget(Claim claim) {
    claims.remove(keyOf(claim));
  }

  @Override
  public synchronized Optional<ClaimState> claimState(String taskList, String id) {
    return Optional.ofNullable(claims.get(taskList + "/" + id));
  }

  private void put(Claim claim, String owner, int attempt, long until) {
    claims.put(keyOf(claim), new ClaimState(claim.savedAt(), owner, claim.token(), attempt, until));
  }

  /** Puts a mark there, as {@code redeliver} does in TypeScript. */
  synchronized void mark(TaskEnvelope envelope) {
    claims.computeIfPresent(keyOf(envelope), (key, state) ->
        new ClaimState(state.savedAt(), Claim.REDELIVERY, ++last, state.attempt(), Long.MAX_VALUE));
  }

  private static String keyOf(TaskEnvelope envelope) {
    return envelope.getTaskList() + "/" + envelope.getId();
  }

  private static String keyOf(Claim claim) {
    return claim.taskList() + "/" + claim.id();
  }
}
