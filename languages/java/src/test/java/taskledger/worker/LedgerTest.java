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
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import taskledger.v1.Envelope.TaskEnvelope;

class LedgerTest {
  private static final long START = 1_767_323_046_000_000L;

  private long now = START;
  private final Deque<RuntimeException> failures = new ArrayDeque<>();
  private final List<List<CassandraSession.Statement>> applied = new ArrayList<>();
  private Runnable onApply = () -> {};

  /** Answers reads of settings and of the clock, and batches as it is told to. */
  private final CassandraSession session = new CassandraSession() {
    @Override
    public void apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
      applied.add(statements);
      onApply.run();
      if (!failures.isEmpty()) throw failures.poll();
    }

    @Override
    public List<Map<String, Object>> read(Statement statement, ConsistencyLevel consistency, Duration timeout) {
      if (statement.cql().contains("toUnixTimestamp")) return List.of(Map.of("now", START / 1000));
      if (!statement.cql().contains("settings")) return List.of();
      return List.of(
          Map.of("name", "layout", "value", "1"),
          Map.of("name", "shards", "value", "8"),
          Map.of("name", "data_center", "value", "dc1"));
    }
  };

  private Ledger open(long clockLimit) {
    Ledger.Limits limits = new Ledger.Limits(Duration.ofMillis(200), Duration.ofMillis(100));
    return new Ledger(session, "tasks", "dc1", new VersionClock(() -> now, clockLimit), limits);
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
    open(VersionClock.LIMIT).save(task);
    assertEquals(3, applied.size());
    assertEquals(applied.get(0), applied.get(2));
    assertEquals(OptionalLong.of(START), Wire.versionOf(task.envelope()));
  }

  @Test
  void aSaveThatIsNeverAnsweredMayBeApplied() {
    Ledger ledger = open(VersionClock.LIMIT);
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
    assertThrows(TaskException.class, () -> open(VersionClock.LIMIT).save(task));
    assertEquals(OptionalLong.empty(), Wire.versionOf(task.envelope()));
    assertEquals(1, applied.size());
  }

  @Test
  void aSaveThatIsAnsweredTooLateDoesNotCount() {
    onApply = () -> {
      if (applied.size() == 1) now += Ledger.MARGIN / 2; // as if the process had been stopped
    };
    Ledger.Task task = newTask();
    open(Ledger.MARGIN).save(task); // Cassandra's clock stands still here
    assertEquals(OptionalLong.of(START + Ledger.MARGIN / 2), Wire.versionOf(task.envelope()));
    assertEquals(3, applied.size());
    assertEquals(START, applied.get(2).get(0).values()[0]);
  }
}
