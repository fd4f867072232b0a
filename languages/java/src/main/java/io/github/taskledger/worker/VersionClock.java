package io.github.taskledger.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.function.LongSupplier;

/**
 * Makes versions: the host's clock in microseconds, which never goes back, and which moves past every version that is met.
 * It may be used by many threads at once.
 */
public final class VersionClock {
  /** How far a host's clock may be off at most. */
  public static final Duration MAX_LIMIT = Duration.ofSeconds(1);

  private final LongSupplier now;
  private final long limit;
  private long last;

  /** A clock of the host's. */
  public VersionClock() {
    this(VersionClock::hostClock, MAX_LIMIT);
  }

  /**
   * A clock of another one.
   *
   * @param now gives microseconds since 1970
   * @param limit how far clocks may be off; at most {@link #MAX_LIMIT}
   * @throws InvalidTaskException INVALID_ARGUMENT
   */
  public VersionClock(LongSupplier now, Duration limit) {
    if (limit.isZero() || limit.isNegative() || limit.compareTo(MAX_LIMIT) > 0)
      throw new InvalidTaskException(Code.INVALID_ARGUMENT, "the limit must be at most a second, and is " + limit);
    this.now = now;
    this.limit = limit.toNanos() / 1000;
  }

  /**
   * The host's own clock.
   *
   * @return microseconds since 1970
   */
  public long now() {
    return now.getAsLong();
  }

  /**
   * How far clocks may be off.
   *
   * @return microseconds
   */
  public long limit() {
    return limit;
  }

  /**
   * A version later than every one that was made or met.
   *
   * @param replaced one that it is later than, too
   * @return the version
   * @throws StoreException CLOCK_SKEW past the year 9999
   */
  public synchronized long next(long replaced) {
    long version = Math.max(now(), Math.max(last, replaced) + 1);
    if (version > Envelopes.MAX_VERSION)
      throw new StoreException(Code.CLOCK_SKEW, "a version lies past the year 9999: a clock is wrong", false, null);
    observe(version);
    return version;
  }

  /**
   * Moves past a version. One that is far ahead is a wrong clock's, and moves nothing.
   *
   * @param version one that was met
   */
  public synchronized void observe(long version) {
    if (version > last && version <= now() + 2 * limit) last = version;
  }

  private static long hostClock() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
  }
}
