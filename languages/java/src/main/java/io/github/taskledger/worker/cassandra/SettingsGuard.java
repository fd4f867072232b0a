package io.github.taskledger.worker.cassandra;

import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.StoreException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Watches that a keyspace has the settings that it was opened with. Somebody may drop it and make it anew: what is written by
 * the old number of shards, nobody would find.
 */
final class SettingsGuard {
  private static final long INTERVAL_NANOS = 60_000_000_000L;

  /** How soon it is looked again at a keyspace that can't be read, or has other settings. */
  private static final long SOON_NANOS = 1_000_000_000L;

  private final Settings settings;
  private final Supplier<Settings> read;
  private final long interval;
  private final AtomicBoolean isLooking = new AtomicBoolean();
  private volatile long nextLook;
  private volatile String mismatch;

  SettingsGuard(Settings settings, Supplier<Settings> read) {
    this(settings, read, INTERVAL_NANOS);
  }

  SettingsGuard(Settings settings, Supplier<Settings> read, long interval) {
    this.settings = settings;
    this.read = read;
    this.interval = interval;
    this.nextLook = System.nanoTime() + interval;
  }

  /** The next check looks. */
  void suspect() {
    nextLook = System.nanoTime();
  }

  /** Looks about every minute; one call does, and the others go on meanwhile. Throws SCHEMA_MISMATCH. */
  void check() {
    if (System.nanoTime() - nextLook >= 0 && isLooking.compareAndSet(false, true)) {
      try {
        look();
      } finally {
        isLooking.set(false);
      }
    }
    String found = mismatch;
    if (found != null) throw new StoreException(Code.SCHEMA_MISMATCH, found, false, null);
  }

  /** Passes over other errors: what can't be read now need not be in the way of what can. */
  private void look() {
    nextLook = System.nanoTime() + SOON_NANOS;
    try {
      Settings found = read.get();
      boolean isSame = found.equals(settings);
      mismatch = isSame ? null : "the keyspace was opened with " + settings + ", and has " + found + " now: open it anew";
      if (isSame) nextLook = System.nanoTime() + interval;
    } catch (StoreException error) {
      if (error.code() == Code.SCHEMA_MISMATCH) mismatch = error.getMessage();
    }
  }
}
