package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;

/** A task that is claimed, and what becomes of it: completed, tried again later, or given up; docs/recovery.md has the rules. */
final class Attempt {
  private static final Logger LOG = Worker.LOG;

  /** What came of an attempt, and when the task may be claimed again; null if it has been completed. */
  private record Ending(Result result, Duration retryIn) {}

  private final Store store;
  private final TaskEnvelope envelope;
  private final PerformOptions options;
  private final Claim claim;
  private final boolean comesTooLate;
  private final Renewals renewals;

  private Attempt(
      Store store, TaskEnvelope envelope, PerformOptions options, Claim claim, boolean comesTooLate, long askedAt) {
    this.store = store;
    this.envelope = envelope;
    this.options = options;
    this.claim = claim;
    this.comesTooLate = comesTooLate;
    this.renewals = new Renewals(store, claim, options.lease, askedAt);
  }

  /** Claims a task, and renews that from now on; empty if another has it, or it was given up before. */
  static Optional<Attempt> begin(Store store, TaskEnvelope envelope, PerformOptions options) {
    Optional<ClaimState> before = claimsBefore(store, envelope, options);
    if (before.isPresent() && wasLeftOpen(envelope, options, before.get())) return Optional.empty();
    long askedAt = System.nanoTime();
    // A version that nobody has claimed yet is tried once at least.
    return claim(store, envelope, options).map(claim -> new Attempt(
        store, envelope, options, claim, before.isPresent() && claim.attempt() > options.maxAttempts, askedAt));
  }

  /** What is known of the claims to this very version, if that matters. */
  private static Optional<ClaimState> claimsBefore(Store store, TaskEnvelope envelope, PerformOptions options) {
    if (options.maxAttempts == Integer.MAX_VALUE) return Optional.empty();
    long version = Envelopes.savedVersion(envelope);
    return store.claimState(envelope.getTaskList(), envelope.getId()).filter(state -> state.savedAt() == version);
  }

  /** It was given up, and there was no list for it to go to; nor is there now. */
  private static boolean wasLeftOpen(TaskEnvelope envelope, PerformOptions options, ClaimState before) {
    if (deadLetterListOf(envelope, options).isPresent()) return false;
    // A mark hides whether the last attempt failed or its worker died, which is still to be told.
    if (Claim.REDELIVERY.equals(before.owner())) return before.attempt() > options.maxAttempts;
    return before.owner() == null && before.until() == 0 && before.attempt() >= options.maxAttempts;
  }

  /** Where the task goes if it is given up; a dead letter stays where it is. */
  private static Optional<String> deadLetterListOf(TaskEnvelope envelope, PerformOptions options) {
    return Optional.ofNullable(options.deadLetterList).filter(list -> !list.equals(envelope.getTaskList()));
  }

  private static Optional<Claim> claim(Store store, TaskEnvelope envelope, PerformOptions options) {
    String owner = options.owner == null ? Claim.newOwner() : options.owner;
    try {
      return store.claim(envelope, owner, options.lease);
    } catch (StoreException error) {
      if (!error.mayApply()) throw error;
      LOG.warn("whether {} is claimed now is unknown: {}", Worker.nameOf(envelope), error.getMessage());
      return Optional.empty();
    }
  }

  Claim claim() {
    return claim;
  }

  /** Whether the last attempt that is allowed came to no end: its worker died, or was stopped. */
  boolean comesTooLate() {
    return comesTooLate;
  }

  /** Whether another may have the task by now. */
  boolean isLost() {
    return renewals.isLost();
  }

  /**
   * Ends it; {@code error} is what the handler threw, or null. What was cancelled may be tried again at once. Throws what the
   * store throws when the task is completed: the claim expires then.
   */
  Result end(Throwable error, boolean wasCancelled) {
    boolean wasInterrupted = Thread.interrupted(); // or nothing would be sent any more
    try {
      Ending ending = endingOf(error, wasCancelled || error instanceof InterruptedException);
      renewals.end();
      endClaim(ending);
      return ending.result();
    } finally {
      renewals.end();
      if (wasInterrupted) Thread.currentThread().interrupt();
    }
  }

  private Ending endingOf(Throwable error, boolean wasCancelled) {
    if (comesTooLate) return giveUp(new StoreException(
        Code.TIMEOUT, "its last attempt came to no end: the worker died, or was stopped", false, null));
    if (error == null) return complete();
    if (wasCancelled) {
      Worker.tell(Worker.nameOf(envelope) + " was interrupted", error);
      return new Ending(Result.FAILED, leastWait());
    }
    return claim.attempt() >= options.maxAttempts ? giveUp(error) : retryLater(error);
  }

  /** Even if the claim has been lost by now: it is done. */
  private Ending complete() {
    store.complete(envelope);
    return new Ending(Result.COMPLETED, null);
  }

  private Ending giveUp(Throwable error) {
    Ending ending;
    try {
      ending = putAside(error);
    } catch (TaskException cause) {
      return retryLater(cause);
    }
    if (ending.result() == Result.GIVEN_UP)
      Worker.tell(Worker.nameOf(envelope) + " is given up after " + claim.attempt() + " attempts", error);
    return ending;
  }

  /** First the copy, then the original: at no time is the task in neither list. */
  private Ending putAside(Throwable error) {
    Optional<String> list = deadLetterListOf(envelope, options);
    if (list.isEmpty()) return new Ending(Result.GIVEN_UP, Duration.ZERO);
    // As it is in the store: the handler may have saved it again, or completed it.
    Optional<TaskEnvelope> found = store.find(envelope.getTaskList(), envelope.getId());
    if (found.isEmpty() || !found.get().getSavedAt().equals(envelope.getSavedAt()))
      return new Ending(Result.PASSED_OVER, Duration.ZERO);
    TaskEnvelope letter = DeadLetters.of(found.get(), list.get(), claim.attempt(), error);
    // It is in the store already: what a copy has besides must not keep it from being given up.
    store.save(new Task(letter, List.of(), Integer.MAX_VALUE));
    store.complete(envelope);
    return new Ending(Result.GIVEN_UP, null);
  }

  private Ending retryLater(Throwable error) {
    Duration wait = Collections.max(List.of(options.waitAfter(claim.attempt()), leastWait()));
    Worker.tell(Worker.nameOf(envelope) + " failed at attempt " + claim.attempt() + "; again in " + wait, error);
    return new Ending(Result.FAILED, wait);
  }

  /** It tells, however short, a task that is to be tried again from one that was given up and left open. */
  private Duration leastWait() {
    boolean isLast = claim.attempt() >= options.maxAttempts && deadLetterListOf(envelope, options).isEmpty();
    return isLast ? Duration.ofMillis(1) : Duration.ZERO;
  }

  /** A claim that can't be ended expires. */
  private void endClaim(Ending ending) {
    try {
      if (ending.retryIn() == null) store.forget(claim);
      else store.release(claim, ending.retryIn());
    } catch (TaskException error) {
      LOG.warn("the claim to {} could not be ended: {}", Worker.nameOf(envelope), error.getMessage());
    }
  }
}
