package io.github.taskledger.worker;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * How a worker claims tasks, tries them again, and gives them up: {@code PerformOptions.DEFAULT.withMaxAttempts(5)}. It never
 * changes, and may be shared.
 */
public final class PerformOptions {
  /** A lease of a minute, waits of a second to ten minutes, no end of attempts, and a new owner for each claim. */
  public static final PerformOptions DEFAULT = new PerformOptions(
      Duration.ofMinutes(1), Integer.MAX_VALUE, Duration.ofSeconds(1), Duration.ofMinutes(10), null, null);

  final Duration lease;
  /** The largest int where there is no end. */
  final int maxAttempts;
  private final Duration initialWait;
  private final Duration maxWait;
  /** Null where there is none. */
  final String deadLetterList;
  /** Null where each claim has its own. */
  final String owner;

  private PerformOptions(
      Duration lease, int maxAttempts, Duration initialWait, Duration maxWait, String deadLetterList, String owner) {
    Claim.checkLease(lease);
    if (maxAttempts < 1)
      throw new InvalidTaskException(Code.INVALID_ARGUMENT, "maxAttempts must be at least 1, and is " + maxAttempts);
    if (initialWait.isNegative() || maxWait.isNegative())
      throw new InvalidTaskException(Code.INVALID_ARGUMENT, "no wait may be negative");
    if (deadLetterList != null) Envelopes.checkKey("deadLetterList", deadLetterList, Code.INVALID_KEY);
    this.lease = lease;
    this.maxAttempts = maxAttempts;
    this.initialWait = initialWait;
    this.maxWait = maxWait;
    this.deadLetterList = deadLetterList;
    this.owner = owner;
  }

  /**
   * With another lease: choose one that is much longer than pauses of your process and outages of the store.
   *
   * @param time at least {@link Claim#LEAST_LEASE}
   * @return these options, but for that
   * @throws InvalidTaskException INVALID_ARGUMENT
   */
  public PerformOptions withLease(Duration time) {
    return new PerformOptions(time, maxAttempts, initialWait, maxWait, deadLetterList, owner);
  }

  /**
   * With an end of attempts.
   *
   * @param count at least 1
   * @return these options, but for that
   * @throws InvalidTaskException INVALID_ARGUMENT
   */
  public PerformOptions withMaxAttempts(int count) {
    return new PerformOptions(lease, count, initialWait, maxWait, deadLetterList, owner);
  }

  /**
   * With other waits: after a failure, a task waits a random part of a time that doubles with each attempt.
   *
   * @param initial that time after the first attempt
   * @param max its most
   * @return these options, but for that
   * @throws InvalidTaskException INVALID_ARGUMENT
   */
  public PerformOptions withBackoff(Duration initial, Duration max) {
    return new PerformOptions(lease, maxAttempts, initial, max, deadLetterList, owner);
  }

  /**
   * With a list that tasks go to when they are given up.
   *
   * @param taskList its name
   * @return these options, but for that
   * @throws InvalidTaskException INVALID_KEY
   */
  public PerformOptions withDeadLetterList(String taskList) {
    return new PerformOptions(lease, maxAttempts, initialWait, maxWait, taskList, owner);
  }

  /**
   * With a name. An owner takes over from itself: a worker that restarts under its name goes on at once.
   *
   * @param name one that nobody else uses at the same time, of 1 to 512 characters
   * @return these options, but for that
   */
  public PerformOptions withOwner(String name) {
    return new PerformOptions(lease, maxAttempts, initialWait, maxWait, deadLetterList, name);
  }

  /** A random part of a time that doubles with each attempt. */
  Duration waitAfter(int attempt) {
    double doubled = TimeUnit.MILLISECONDS.convert(initialWait) * Math.pow(2, Math.min(attempt - 1, 31));
    double most = Math.min(TimeUnit.MILLISECONDS.convert(maxWait), doubled);
    return Duration.ofMillis((long) (ThreadLocalRandom.current().nextDouble() * most));
  }
}
