package io.github.taskledger.worker.cassandra;

import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Claim;
import io.github.taskledger.worker.ClaimState;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.Store;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.Task;
import io.github.taskledger.worker.VersionClock;
import io.github.taskledger.worker.cassandra.CassandraSession.Statement;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * The open tasks of one keyspace. It may be used by many threads at once.
 *
 * <pre>{@code
 * Store store = CassandraStore.open(session, "tasks", "dc1");
 * try (var open = store.openTasks("acme.com")) { open.forEach(task -> …); }
 * }</pre>
 */
public final class CassandraStore implements Store {
  private static final int LATE_SAVES = 3;
  private static final int IDS_A_READ = 256;

  /**
   * How long things may take.
   *
   * @param deadline an operation in all
   * @param attempt one attempt at it
   */
  public record Limits(Duration deadline, Duration attempt) {
    /** Ten seconds, and three. */
    public static final Limits DEFAULT = new Limits(Duration.ofSeconds(10), Duration.ofSeconds(3));
  }

  private final RetryingSession session;
  private final String keyspace;
  private final VersionClock clock;
  private final ClockGuard guard;
  private final Settings settings;
  private final SettingsGuard watch;
  private final ListNames lists;
  private final CassandraClaims claims;

  /**
   * Reads the keyspace's settings.
   *
   * @param session the driver's; it stays the caller's
   * @param keyspace where the tables are
   * @param dataCenter the session's local data centre
   * @return the store
   * @throws StoreException SCHEMA_MISMATCH, which says what of the keyspace this client can't work with, UNAVAILABLE, TIMEOUT
   */
  public static CassandraStore open(CqlSession session, String keyspace, String dataCenter) {
    return open(session, keyspace, dataCenter, new VersionClock(), Limits.DEFAULT);
  }

  /**
   * Reads the keyspace's settings.
   *
   * @param session the driver's; it stays the caller's
   * @param keyspace where the tables are
   * @param dataCenter the session's local data centre
   * @param clock makes the versions; all stores of a process should share one
   * @param limits how long things may take
   * @return the store
   * @throws StoreException SCHEMA_MISMATCH, which says what of the keyspace this client can't work with, UNAVAILABLE, TIMEOUT
   */
  public static CassandraStore open(
      CqlSession session, String keyspace, String dataCenter, VersionClock clock, Limits limits) {
    return new CassandraStore(CassandraSession.of(session), keyspace, dataCenter, clock, limits);
  }

  CassandraStore(CassandraSession session, String keyspace, String dataCenter, VersionClock clock, Limits limits) {
    this.session = new RetryingSession(session, limits.deadline(), limits.attempt());
    this.keyspace = keyspace;
    this.clock = clock;
    this.settings = Settings.read(this.session, keyspace, dataCenter, clock.limit());
    if (settings.hasSeveralDataCenters()) this.session.setConsistency(DefaultConsistencyLevel.QUORUM);
    // A look is one attempt: no call waits for it as long as for its own answer.
    RetryingSession looking = new RetryingSession(session, limits.attempt(), limits.attempt());
    if (settings.hasSeveralDataCenters()) looking.setConsistency(DefaultConsistencyLevel.QUORUM);
    this.watch =
        new SettingsGuard(settings, () -> Settings.readValues(looking, keyspace, dataCenter, clock.limit()));
    this.session.setCheck(watch::check);
    this.guard = new ClockGuard(clock, this::serverClock);
    this.lists = new ListNames(clock::now, this::writeListName);
    this.claims = new CassandraClaims(this, guard);
  }

  /**
   * The shard of an id, as every client reckons it.
   *
   * @param id an id
   * @param shards how many shards a list has
   * @return from 0
   */
  public static int shardOf(String id, int shards) {
    CRC32 crc = new CRC32();
    crc.update(id.getBytes(StandardCharsets.UTF_8));
    return (((int) crc.getValue() * 0x9e3779b1) >>> 16) % shards;
  }

  @Override
  public void save(Task task) {
    byte[] body = Envelopes.encodeBody(task.envelope(), task.limit());
    List<Long> replaced = new ArrayList<>(task.replaced());
    Envelopes.versionOf(task.envelope()).ifPresent(version -> replaced.add(0, version));
    for (int attempt = 0; attempt < LATE_SAVES; attempt++) {
      long version = saveOnce(task, body, replaced, attempt > 0);
      TaskEnvelope saved = Envelopes.withVersion(task.envelope(), version);
      if (clock.now() - version < settings.gracePeriod() / 2) {
        task.adopt(saved, replaced);
        lists.note(saved.getTaskList());
        task.adopt(saved, List.of());
        removeReplaced(saved, replaced);
        return;
      }
      // The process was stopped meanwhile: a sweep may have passed.
      task.adopt(saved, replaced);
      replaced.add(0, version);
    }
    throw new StoreException(Code.TIMEOUT, "the answers came too late to count", true, null);
  }

  private long saveOnce(Task task, byte[] body, List<Long> replaced, boolean wasLate) {
    TaskEnvelope envelope = task.envelope();
    long version = 0;
    try {
      guard.check();
      version = clock.next(replaced.stream().mapToLong(Long::longValue).max().orElse(0));
      write(saving(envelope, body, version));
      return version;
    } catch (StoreException error) {
      if (error.mayApply()) task.adopt(Envelopes.withVersion(envelope, version), replaced);
      if (!wasLate) throw error;
      throw new StoreException(error.code(), error.getMessage(), true, error); // the late one was applied
    }
  }

  @Override
  public void complete(TaskEnvelope envelope) {
    long version = Envelopes.savedVersion(envelope);
    clock.observe(version);
    String delete = "DELETE FROM %s.tasks USING TIMESTAMP ? WHERE task_list = ? AND shard = ? AND id = ?";
    String id = envelope.getId();
    write(List.of(cql(delete, version, envelope.getTaskList(), shardOf(id), id), entryRemoval(envelope, version)));
  }

  @Override
  public Optional<TaskEnvelope> find(String taskList, String id) {
    return Optional.ofNullable(readTasks(taskList, Map.of(shardOf(id), Set.of(id))).get(id));
  }

  @Override
  public Stream<TaskEnvelope> openTasks(String taskList, Duration olderThan) {
    return new OpenTasks(this, taskList, olderThan).stream();
  }

  @Override
  public Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease) {
    return claims.claim(envelope, owner, lease);
  }

  @Override
  public Claim renew(Claim claim, Duration lease) {
    return claims.renew(claim, lease);
  }

  @Override
  public void release(Claim claim, Duration retryIn) {
    claims.release(claim, retryIn);
  }

  @Override
  public void forget(Claim claim) {
    claims.forget(claim);
  }

  @Override
  public Optional<ClaimState> claimState(String taskList, String id) {
    return claims.state(taskList, id);
  }

  // Saving and completing

  private List<Statement> saving(TaskEnvelope envelope, byte[] body, long version) {
    String list = envelope.getTaskList();
    String id = envelope.getId();
    int shard = shardOf(id);
    String task = "INSERT INTO %s.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
    String entry = "INSERT INTO %s.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?";
    return List.of(
        cql(task, list, shard, id, ByteBuffer.wrap(body), version),
        cql(entry, list, shard, version, id, body.length, version));
  }

  private void writeListName(String taskList, long at) {
    String note = "INSERT INTO %s.lists (bucket, task_list, noted_at) VALUES (?, ?, ?) USING TIMESTAMP ?";
    write(List.of(cql(note, shardOf(taskList, ListNames.BUCKETS), taskList, at, at)));
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
    } catch (StoreException leftForOthers) {
      return;
    }
  }

  private void write(List<Statement> statements) {
    session.write(statements);
  }

  private long serverClock() {
    watch.suspect(); // when the clocks are compared, the settings are
    var rows = session.read(new Statement("SELECT toUnixTimestamp(now()) AS now FROM system.local"));
    return (long) rows.get(0).get("now") * 1000;
  }

  // What listing and claiming need

  VersionClock clock() {
    return clock;
  }

  RetryingSession session() {
    return session;
  }

  SettingsGuard watch() {
    return watch;
  }

  int shards() {
    return settings.shards();
  }

  private int shardOf(String id) {
    return shardOf(id, settings.shards());
  }

  /** A statement, with the keyspace in the place of %s. */
  Statement cql(String text, Object... values) {
    return new Statement(text.replace("%s", '"' + keyspace + '"'), values);
  }

  /** The open tasks among some of each shard. What is saved from now on is later than they are. */
  Map<String, TaskEnvelope> readTasks(String taskList, Map<Integer, Set<String>> ids) {
    String query = "SELECT id, body, WRITETIME(body) AS saved_at FROM %s.tasks WHERE task_list = ? AND shard = ? AND id IN ?";
    List<Statement> reads = new ArrayList<>();
    ids.forEach((shard, all) -> {
      List<String> some = List.copyOf(all);
      for (int start = 0; start < some.size(); start += IDS_A_READ)
        reads.add(cql(query, taskList, shard, some.subList(start, Math.min(start + IDS_A_READ, some.size()))));
    });
    Map<String, TaskEnvelope> found = new HashMap<>();
    for (var rows : session.readAll(reads))
      for (var row : rows)
        if (row.get("body") instanceof ByteBuffer body)
          found.put((String) row.get("id"), meet(taskList, (String) row.get("id"), (long) row.get("saved_at"), body));
    return found;
  }

  private TaskEnvelope meet(String taskList, String id, long version, ByteBuffer body) {
    byte[] bytes = new byte[body.remaining()];
    body.get(bytes);
    clock.observe(version);
    return Envelopes.stored(taskList, id, version, bytes);
  }
}
