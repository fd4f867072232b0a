package taskledger.worker;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.DriverTimeoutException;
import com.datastax.oss.driver.api.core.servererrors.QueryValidationException;
import com.datastax.oss.driver.api.core.servererrors.ReadTimeoutException;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;
import com.datastax.oss.driver.api.core.servererrors.WriteTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import taskledger.v1.Envelope.TaskEnvelope;
import taskledger.worker.CassandraSession.Statement;

/**
 * The open tasks of one keyspace: saves, completes, finds and lists them by the rules of docs/protocol.md. Not safe for
 * concurrent use.
 *
 * <pre>{@code
 * Ledger ledger = new Ledger(CassandraSession.of(session), "tasks", "dc1");
 * ledger.openTasks("acme.com").forEach(envelope -> …);
 * }</pre>
 */
public final class Ledger {
  private static final int CLOCK_LIMITS_IN_A_MARGIN = 20;
  private static final long CLOCK_INTERVAL_NANOS = 60_000_000_000L;
  private static final int LATE_SAVES = 3;

  /** How long an operation may take in all, and one attempt at it. */
  public record Limits(Duration deadline, Duration attempt) {
    public static final Limits DEFAULT = new Limits(Duration.ofSeconds(10), Duration.ofSeconds(3));
  }

  /** An envelope, and the versions that saves of unknown outcome may have left behind it. */
  public static final class Task {
    private TaskEnvelope envelope;
    private List<Long> replaced;

    public Task(TaskEnvelope envelope) {
      this(envelope, List.of());
    }

    public Task(TaskEnvelope envelope, List<Long> replaced) {
      this.envelope = envelope;
      this.replaced = replaced;
    }

    public TaskEnvelope envelope() {
      return envelope;
    }

    public List<Long> replaced() {
      return replaced;
    }

    private void adopt(TaskEnvelope envelope, List<Long> replaced) {
      this.envelope = envelope;
      this.replaced = replaced;
    }
  }

  /** How far Cassandra's clock is ahead, at least and at most, and when and at which offset of the clocks that was. */
  private record Skew(long least, long most, long atNanos, long offset) {}

  private final CassandraSession session;
  private final String keyspace;
  private final VersionClock clock;
  private final Limits limits;
  private final int shards;
  /** In microseconds. */
  private final long margin;
  private ConsistencyLevel consistency = DefaultConsistencyLevel.LOCAL_QUORUM;
  private Skew skew;

  public Ledger(CassandraSession session, String keyspace, String dataCenter) {
    this(session, keyspace, dataCenter, new VersionClock(), Limits.DEFAULT);
  }

  /** Reads the keyspace's settings. Throws SCHEMA_MISMATCH where this client can't work with them. */
  public Ledger(CassandraSession session, String keyspace, String dataCenter, VersionClock clock, Limits limits) {
    this.session = session;
    this.keyspace = keyspace;
    this.clock = clock;
    this.limits = limits;
    Map<String, String> settings = readSettings();
    String found = settings.get("data_center");
    OptionalLong margin = marginOf(settings.get("margin"), clock.limit());
    boolean isOurs = "*".equals(found) || dataCenter.equals(found);
    if (!"1".equals(settings.get("layout")) || !isOurs || margin.isEmpty())
      throw new TaskException("SCHEMA_MISMATCH", "keyspace \"" + keyspace + "\" has the settings " + settings);
    if (found.equals("*")) consistency = DefaultConsistencyLevel.QUORUM;
    shards = Integer.parseInt(settings.get("shards"));
    this.margin = margin.getAsLong();
  }

  /** A keyspace's margin in microseconds; none where it is none, or unsafe with this clock limit (in microseconds). */
  private static OptionalLong marginOf(String setting, long clockLimit) {
    if (setting == null || !setting.matches("[1-9][0-9]{0,9}")) return OptionalLong.empty();
    long milliseconds = Long.parseLong(setting);
    boolean isSafe = milliseconds * 1000 >= CLOCK_LIMITS_IN_A_MARGIN * clockLimit;
    return isSafe && milliseconds <= Integer.MAX_VALUE ? OptionalLong.of(milliseconds * 1000) : OptionalLong.empty();
  }

  /** The shard of an id. */
  public static int shardOf(String id, int shards) {
    CRC32 crc = new CRC32();
    crc.update(id.getBytes(StandardCharsets.UTF_8));
    return (((int) crc.getValue() * 0x9e3779b1) >>> 16) % shards;
  }

  /**
   * Saves a task, durably; its envelope has the version then. Throws TaskException; where that may have been applied, the
   * task has the version that it may have been saved as.
   */
  public void save(Task task) {
    List<Long> replaced = new ArrayList<>(task.replaced());
    Wire.versionOf(task.envelope()).ifPresent(version -> replaced.add(0, version));
    for (int attempt = 0; attempt < LATE_SAVES; attempt++) {
      boolean wasLate = attempt > 0;
      TaskEnvelope saved = saveOnce(task, replaced, wasLate);
      if (clock.now() - Wire.versionOf(saved).getAsLong() < margin / 2) {
        task.adopt(saved, List.of());
        removeReplaced(saved, replaced);
        return;
      }
      // The process was stopped meanwhile: a sweep may have passed.
      task.adopt(saved, List.copyOf(replaced));
      replaced.add(0, Wire.versionOf(saved).getAsLong());
    }
    throw new TaskException("TIMEOUT", "the answers came too late to count", true, null);
  }

  private TaskEnvelope saveOnce(Task task, List<Long> replaced, boolean wasLate) {
    TaskEnvelope envelope = task.envelope();
    try {
      checkClock();
      long version = clock.next(replaced.stream().mapToLong(Long::longValue).max().orElse(0));
      envelope = Wire.withVersion(envelope, version);
      write(saving(envelope, version));
      return envelope;
    } catch (TaskException error) {
      if (error.mayApply()) task.adopt(envelope, List.copyOf(replaced));
      if (!wasLate) throw error;
      throw new TaskException(error.code(), error.getMessage(), true, error); // the late one was applied
    }
  }

  /** Removes the version that the envelope has, and older ones. Throws NOT_SAVED where it has none. */
  public void complete(TaskEnvelope envelope) {
    long version = Wire.versionOf(envelope).orElseThrow(() -> new TaskException(
        "NOT_SAVED", "the task has no version: its bytes were taken before it was saved"));
    clock.observe(version);
    String delete = "DELETE FROM %s.tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND id = ?";
    String list = envelope.getTaskList();
    String id = envelope.getId();
    write(List.of(cql(delete, version, list, shardOf(id), id), entryRemoval(envelope, version)));
  }

  /** The open task with this id. */
  public Optional<TaskEnvelope> find(String taskList, String id) {
    return Optional.ofNullable(readTasks(taskList, shardOf(id), List.of(id)).get(id));
  }

  /** The open tasks of a list, oldest first, read as they are asked for. */
  public Stream<TaskEnvelope> openTasks(String taskList) {
    return new OpenTasks(this, taskList).stream();
  }

  // Saving and completing

  private List<Statement> saving(TaskEnvelope envelope, long version) {
    byte[] bytes = Wire.encodeBody(envelope);
    String list = envelope.getTaskList();
    String id = envelope.getId();
    int shard = shardOf(id);
    String task = "INSERT INTO %s.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    String entry = "INSERT INTO %s.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";
    return List.of(
        cql(task, list, shard, id, ByteBuffer.wrap(bytes), version),
        cql(entry, list, shard, version, id, bytes.length, version));
  }

  private Statement entryRemoval(TaskEnvelope envelope, long version) {
    String delete = "DELETE FROM %s.open_tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND saved_at = ? AND id = ?";
    String id = envelope.getId();
    return cql(delete, version, envelope.getTaskList(), shardOf(id), version, id);
  }

  /** Takes away what leads nowhere now. It may fail: another finds it as well. */
  private void removeReplaced(TaskEnvelope envelope, List<Long> replaced) {
    try {
      for (long version : replaced) write(List.of(entryRemoval(envelope, version)));
    } catch (TaskException leftForOthers) {
      return;
    }
  }

  // What listing needs

  VersionClock clock() {
    return clock;
  }

  int shards() {
    return shards;
  }

  int shardOf(String id) {
    return shardOf(id, shards);
  }

  /** A statement, with the keyspace in the place of %s. */
  Statement cql(String text, Object... values) {
    return new Statement(text.formatted('"' + keyspace + '"'), values);
  }

  Map<String, TaskEnvelope> readTasks(String taskList, int shard, List<String> ids) {
    String query = "SELECT id, body, WRITETIME(body) AS saved_at FROM %s.tasks WHERE task_list = ? AND shard = ? AND id IN ?";
    Map<String, TaskEnvelope> found = new HashMap<>();
    for (Map<String, Object> row : read(cql(query, taskList, shard, ids)))
      if (row.get("body") != null)
        found.put((String) row.get("id"), meet((ByteBuffer) row.get("body"), (long) row.get("saved_at")));
    return found;
  }

  /** A stored task, its version appended; what is saved from now on is later than it. */
  private TaskEnvelope meet(ByteBuffer buffer, long version) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    clock.observe(version);
    return Wire.withVersion(Wire.decode(bytes, Integer.MAX_VALUE), version);
  }

  List<Map<String, Object>> read(Statement statement) {
    return retry(timeout -> session.read(statement, consistency, timeout), false);
  }

  private void write(List<Statement> statements) {
    retry(timeout -> {
      session.apply(statements, consistency, timeout);
      return null;
    }, true);
  }

  /** Tries again until the deadline: all statements are idempotent. */
  private <T> T retry(Function<Duration, T> attempt, boolean isWrite) {
    long end = System.nanoTime() + limits.deadline().toNanos();
    boolean mayApply = false;
    for (int tries = 0; ; tries++) {
      try {
        long left = Math.max(1_000_000, end - System.nanoTime());
        return attempt.apply(Duration.ofNanos(Math.min(left, limits.attempt().toNanos())));
      } catch (QueryValidationException refused) {
        throw new TaskException("UNAVAILABLE", refused.getMessage(), mayApply, refused);
      } catch (DriverException error) {
        mayApply |= isWrite && !(error instanceof UnavailableException);
        pause(tries);
        if (System.nanoTime() >= end) throw new TaskException(codeOf(error), error.getMessage(), mayApply, error);
      }
    }
  }

  private static String codeOf(DriverException error) {
    if (error instanceof AllNodesFailedException) return "UNAVAILABLE";
    boolean timedOut = error instanceof DriverTimeoutException
        || error instanceof WriteTimeoutException
        || error instanceof ReadTimeoutException;
    return timedOut ? "TIMEOUT" : "UNAVAILABLE";
  }

  private static void pause(int tries) {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(1 + Math.min(1000, 25L << Math.min(tries, 6))));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new TaskException("ABORTED", "the thread was interrupted", true, interrupted);
    }
  }

  private Map<String, String> readSettings() {
    Map<String, String> settings = new HashMap<>();
    for (Map<String, Object> row : read(cql("SELECT name, value FROM %s.settings")))
      settings.put((String) row.get("name"), (String) row.get("value"));
    String query = "SELECT table_name, read_repair FROM system_schema.tables WHERE keyspace_name = ?";
    for (Map<String, Object> row : read(new Statement(query, keyspace)))
      if (List.of("tasks", "open_tasks").contains(row.get("table_name")) && !"BLOCKING".equals(row.get("read_repair")))
        throw new TaskException("SCHEMA_MISMATCH", "table " + row.get("table_name") + " must have read_repair BLOCKING");
    return settings;
  }

  // The clock

  /** Compares the clock with Cassandra's, if that is due. Throws CLOCK_SKEW. */
  private void checkClock() {
    boolean isDue = skew == null || isOff(skew) || System.nanoTime() - skew.atNanos() > CLOCK_INTERVAL_NANOS;
    if (isDue || Math.abs(offset() - skew.offset()) > clock.limit() / 4) skew = compareClocks();
    if (!isOff(skew)) return;
    String reason = "this host's clock is more than %d ms off Cassandra's; nothing is saved";
    throw new TaskException("CLOCK_SKEW", reason.formatted(clock.limit() / 1000));
  }

  /** Where a clock seems to be off, it is compared twice more: of three, the middle one counts. */
  private Skew compareClocks() {
    List<Skew> skews = new ArrayList<>();
    while (skews.size() < 3) {
      skews.add(compareOnce());
      if (!isOff(skews.get(0))) return skews.get(0);
    }
    skews.sort(Comparator.comparingLong(each -> each.least() + each.most()));
    return skews.get(1);
  }

  private Skew compareOnce() {
    long before = clock.now();
    var row = read(new Statement("SELECT toUnixTimestamp(now()) AS now FROM system.local")).get(0);
    long server = (long) row.get("now") * 1000;
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
