package io.github.taskledger.worker.cassandra;

import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.VersionClock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;

/** Compares the host's clock with Cassandra's: a version must not be far from the time at which it was saved. */
final class ClockGuard {
  private static final long INTERVAL_NANOS = 60_000_000_000L;

  /** How far Cassandra's clock is ahead, at least and at most, and when and at which offset of the clocks that was. */
  private record Skew(long least, long most, long atNanos, long offset) {}

  private final VersionClock clock;
  private final LongSupplier serverClock;
  private Skew skew;

  /** {@code serverClock} gives a coordinator's clock, in microseconds; it tells whole milliseconds. */
  ClockGuard(VersionClock clock, LongSupplier serverClock) {
    this.clock = clock;
    this.serverClock = serverClock;
  }

  /** Compares the clocks if that is due. Throws CLOCK_SKEW. */
  synchronized void check() {
    if (isDue()) skew = measure();
    if (!isOff(skew)) return;
    String reason = "this host's clock is more than " + clock.limit() / 1000 + " ms off Cassandra's; nothing is saved";
    throw new StoreException(Code.CLOCK_SKEW, reason, false, null);
  }

  private boolean isDue() {
    if (skew == null || isOff(skew) || System.nanoTime() - skew.atNanos() > INTERVAL_NANOS) return true;
    return Math.abs(offset() - skew.offset()) > clock.limit() / 4; // a clock was set
  }

  /** If a clock seems to be off, it is compared twice more: of three, the middle one counts. */
  private Skew measure() {
    List<Skew> skews = new ArrayList<>();
    while (skews.size() < 3) {
      skews.add(compare());
      if (!isOff(skews.get(0))) return skews.get(0);
    }
    skews.sort(Comparator.comparingLong(each -> each.least() + each.most()));
    return skews.get(1);
  }

  private Skew compare() {
    long before = clock.now();
    long server = serverClock.getAsLong();
    return new Skew(server - clock.now(), server + 1000 - before, System.nanoTime(), offset());
  }

  private boolean isOff(Skew skew) {
    return skew.least() > clock.limit() || skew.most() < -clock.limit();
  }

  /** The wall clock less the monotonic one: constant, unless the wall clock is set. */
  private long offset() {
    return clock.now() - System.nanoTime() / 1000;
  }
}
