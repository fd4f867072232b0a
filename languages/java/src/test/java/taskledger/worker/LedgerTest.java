package taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.DriverTimeoutException;
import com.google.protobuf.Any;
import com.google.protobuf.Message;
import example.v1.FetchFileOuterClass.FetchFile;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import taskledger.v1.Envelope.TaskEnvelope;

class LedgerTest {
  private static final long START = 1_767_323_046_000_000L;
  private static final long MARGIN = 30_000_000;

  private long now = START;
  private String margin = String.valueOf(MARGIN / 1000);
  private final Deque<RuntimeException> failures = new ArrayDeque<>();
  private final List<List<CassandraSession.Statement>> applied = new ArrayList<>();
  private Runnable onApply = () -> {};
  private Function<CassandraSession.Statement, List<Map<String, Object>>> onRead = statement -> List.of();

  /** Answers reads of settings, and batches as it is told to; its clock is the host's. */
  private final CassandraSession session = new CassandraSession() {
    @Override
    public void apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
      applied.add(statements);
      onApply.run();
      if (!failures.isEmpty()) throw failures.poll();
    }

    @Override
    public List<Map<String, Object>> read(Statement statement, ConsistencyLevel consistency, Duration timeout) {
      if (statement.cql().contains("toUnixTimestamp")) return List.of(Map.of("now", now / 1000));
      if (!statement.cql().contains("settings")) return onRead.apply(statement);
      return List.of(
          Map.of("name", "layout", "value", "1"),
          Map.of("name", "shards", "value", "8"),
          Map.of("name", "data_center", "value", "dc1"),
          Map.of("name", "margin", "value", margin));
    }
  };

  private Ledger open() {
    Ledger.Limits limits = new Ledger.Limits(Duration.ofMillis(200), Duration.ofMillis(100));
    return new Ledger(session, "tasks", "dc1", new VersionClock(() -> now, VersionClock.LIMIT), limits);
  }

  static TaskEnvelope task(String id, Message data) {
    return TaskEnvelope.newBuilder().setTaskList("datto.com").setId(id).setData(Any.pack(data)).build();
  }

  private static Ledger.Task newTask() {
    return new Ledger.Task(task("a", FetchFile.getDefaultInstance()));
  }

  private static DriverException timeout() {
    return new DriverTimeoutException("no answer");
  }

  @Test
  void whatIsNotAnsweredIsSentAgainAsItWas() {
    failures.addAll(List.of(timeout(), timeout()));
    Ledger.Task task = newTask();
    open().save(task);
    assertEquals(3, applied.size());
    assertEquals(applied.get(0), applied.get(2));
    assertEquals(OptionalLong.of(START), Wire.versionOf(task.envelope()));
  }

  @Test
  void aSaveThatIsNeverAnsweredMayBeApplied() {
    Ledger ledger = open();
    Ledger.Task task = newTask();
    ledger.save(task);
    failures.addAll(Collections.nCopies(1000, timeout()));
    now++;
    TaskException error = assertThrows(TaskException.class, () -> ledger.save(task));
    assertEquals("TIMEOUT", error.code());
    assertTrue(error.mayApply());
    assertEquals(OptionalLong.of(START + 1), Wire.versionOf(task.envelope()));
    assertEquals(List.of(START), task.replaced());
  }

  @Test
  void whatIsRefusedIsNotApplied() {
    failures.add(new TaskException("TOO_LARGE", "refused"));
    Ledger.Task task = newTask();
    assertThrows(TaskException.class, () -> open().save(task));
    assertEquals(OptionalLong.empty(), Wire.versionOf(task.envelope()));
    assertEquals(1, applied.size());
  }

  /** Saves a task in a process that is stopped for so many microseconds before it sees the answer. */
  private Ledger.Task saveAnsweredAfter(long stop) {
    onApply = () -> {
      if (applied.size() == 1) now += stop;
    };
    Ledger.Task task = newTask();
    open().save(task);
    return task;
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "6e5", "-30000", "030000", "3_0000", "19999", "2147483648"})
  void aMarginThatItCanNotWorkWithIsRefused(String bad) {
    margin = bad;
    assertEquals("SCHEMA_MISMATCH", assertThrows(TaskException.class, this::open).code());
  }

  @Test
  void aSaveThatIsAnsweredWithinHalfTheKeyspacesMarginCounts() {
    Ledger.Task task = saveAnsweredAfter(MARGIN / 2 - 1);
    assertEquals(OptionalLong.of(START), Wire.versionOf(task.envelope()));
    assertEquals(1, applied.size());
  }

  @Test
  void aSaveThatIsAnsweredLaterThanThatDoesNotCount() {
    Ledger.Task task = saveAnsweredAfter(MARGIN / 2);
    assertEquals(OptionalLong.of(START + MARGIN / 2), Wire.versionOf(task.envelope()));
    assertEquals(3, applied.size());
    assertEquals(START, applied.get(2).get(0).values()[0]);
  }

  /**
   * A full page, with the entry of a replaced version. The later one's is there, until the next page is read. Older
   * entries of the other shards are judged with it, so that this page is not at its end yet.
   */
  private static Function<CassandraSession.Statement, List<Map<String, Object>>> sweptMeanwhile(TaskEnvelope saved) {
    List<Map<String, Object>> first = new ArrayList<>(List.of(Map.of("saved_at", START, "id", "a")));
    for (int i = 1; i < OpenTasks.PAGE; i++) first.add(Map.of("saved_at", START + i, "id", "completed " + i));
    Deque<List<Map<String, Object>>> pages = new ArrayDeque<>(List.of(first, List.of()));
    return statement -> {
      String cql = statement.cql();
      if (cql.contains(".tasks"))
        return List.of(Map.of("id", "a", "body", ByteBuffer.wrap(Wire.encodeBody(saved)), "saved_at", START + 1000));
      if (cql.contains("saved_at = ?")) return List.of(Map.of("id", "a"));
      if (!cql.contains("LIMIT ?")) return List.of();
      boolean isOther = !statement.values()[1].equals(Ledger.shardOf("a", 8));
      return isOther ? List.of(Map.of("saved_at", START - 1, "id", "completed")) : pages.poll();
    };
  }

  @Test
  void aTaskIsListedThoughTheEntryOfItsLaterVersionIsSweptBeforeThePassIsThere() {
    TaskEnvelope saved = Wire.withVersion(newTask().envelope(), START + 1000);
    onRead = sweptMeanwhile(saved);
    assertEquals(List.of(saved), open().openTasks("datto.com").toList());
  }
}
