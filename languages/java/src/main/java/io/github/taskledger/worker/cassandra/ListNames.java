package io.github.taskledger.worker.cassandra;

import io.github.taskledger.worker.StoreException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.ObjLongConsumer;

/** Notes the lists that this process saves to, each at most once an hour: by that table, others find them. */
final class ListNames {
  /** Partitions that the names are spread over. All clients must have the same. */
  static final int BUCKETS = 16;

  /** Of more, all are forgotten, and noted anew. */
  static final int MAX_KNOWN = 100_000;

  /** How long a list that was noted need not be noted again, in microseconds: an hour. */
  private static final long NOTED_FOR = 3_600_000_000L;

  private final LongSupplier now;
  private final ObjLongConsumer<String> write;
  private final Map<String, Long> notedAt = new HashMap<>();

  /** {@code now} gives microseconds; {@code write} notes a list, at such a time. */
  ListNames(LongSupplier now, ObjLongConsumer<String> write) {
    this.now = now;
    this.write = write;
  }

  /**
   * Comes after a task was saved. If it fails, the task is there, and may not be found by who does not know its list: the
   * outcome of the save is unknown.
   */
  void note(String taskList) {
    long at = now.getAsLong();
    if (isNoted(taskList, at)) return;
    try {
      write.accept(taskList, at); // not under the lock: other lists do not wait for it
    } catch (StoreException error) {
      String reason = "the task was saved, but its list could not be noted: " + error.getMessage();
      throw new StoreException(error.code(), reason, true, error);
    }
    remember(taskList, at);
  }

  private synchronized boolean isNoted(String taskList, long now) {
    Long at = notedAt.get(taskList);
    return at != null && at <= now && now - at < NOTED_FOR;
  }

  private synchronized void remember(String taskList, long at) {
    if (notedAt.size() >= MAX_KNOWN) notedAt.clear();
    notedAt.put(taskList, at);
  }
}
