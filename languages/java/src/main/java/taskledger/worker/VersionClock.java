package taskledger.worker;

import java.time.Instant;
import java.util.function.LongSupplier;

/** Makes versions: the host's clock, in microseconds, which never goes back, and which moves past every version that is met. */
public final class VersionClock {
  /** How far a host's clock may be off, in microseconds. */
  public static final long LIMIT = 1_000_000;

  private final LongSupplier now;
  private final long limit;
  private long last;

  public VersionClock() {
    this(VersionClock::hostClock, LIMIT);
  }

  public VersionClock(LongSupplier now, long limit) {
    this.now = now;
    this.limit = limit;
  }

  public long now() {
    return now.getAsLong();
  }

  public long limit() {
    return limit;
  }

  /** Later than every version that was made or met, and than the one that it replaces. */
  public synchronized long next(long replaced) {
    long version = Math.max(now(), Math.max(last, replaced) + 1);
    if (version > Wire.MAX_VERSION)
      throw new TaskException("CLOCK_SKEW", "a version lies past the year 9999: a clock is wrong");
    observe(version);
    return version;
  }

  /** One that is far ahead is a wrong clock's, and moves nothing. */
  public synchronized void observe(long version) {
    if (version > last && version <= now() + 2 * limit) last = version;
  }

  private static long hostClock() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
  }
}
