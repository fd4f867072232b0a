package io.github.taskledger.worker;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/** Renews a claim each third of its lease. The lease is counted from before it was asked for, and its last tenth as over. */
final class Renewals {
  private static final Logger LOG = Worker.LOG;
  private static final int RENEWALS_A_LEASE = 3;

  private final Store store;
  private final Claim claim;
  private final Duration lease;
  private final long nanos;
  private volatile long heldUntil;
  private volatile boolean isLost;
  private volatile boolean hasEnded;
  private CompletableFuture<Void> timer;

  /** {@code askedAt} is what System.nanoTime gave before the claim was asked for. */
  Renewals(Store store, Claim claim, Duration lease, long askedAt) {
    this.store = store;
    this.claim = claim;
    this.lease = lease;
    this.nanos = Math.min(TimeUnit.NANOSECONDS.convert(lease), Long.MAX_VALUE / 4);
    hold(askedAt);
    waitForNext();
  }

  boolean isLost() {
    return isLost || System.nanoTime() - heldUntil >= 0;
  }

  /** One that is under way may come later: it changes nothing about a claim that has ended. */
  synchronized void end() {
    hasEnded = true;
    timer.cancel(false);
  }

  private void hold(long askedAt) {
    heldUntil = askedAt + nanos / 10 * 9;
  }

  private synchronized void waitForNext() {
    if (hasEnded || isLost) return;
    long wait = Math.max(0, Math.min(nanos / RENEWALS_A_LEASE, heldUntil - System.nanoTime()));
    timer = new CompletableFuture<Void>().completeOnTimeout(null, wait, TimeUnit.NANOSECONDS);
    timer.thenRunAsync(this::renew, Threads.WAITING);
  }

  private void renew() {
    if (hasEnded || isLost()) return;
    long askedAt = System.nanoTime();
    try {
      store.renew(claim, lease);
      hold(askedAt);
    } catch (TaskException error) {
      if (!hasEnded) LOG.warn("{}", error.getMessage());
      isLost = error.code() == Code.CLAIM_LOST;
    }
    waitForNext();
  }
}
