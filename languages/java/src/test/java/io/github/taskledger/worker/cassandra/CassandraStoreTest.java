package io.github.taskledger.worker.cassandra;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.DriverTimeoutException;
import com.datastax.oss.driver.api.core.NoNodeAvailableException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.OverloadedException;
import com.datastax.oss.driver.api.core.servererrors.ReadFailureException;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;
import com.google.protobuf.Any;
import com.google.protobuf.Timestamp;
import example.v1.FetchFileOuterClass.FetchFile;
import io.github.taskledger.v1.TaskEnvelope;
import io.github.taskledger.worker.Claim;
import io.github.taskledger.worker.ClaimState;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.Envelopes;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.Task;
import io.github.taskledger.worker.TaskException;
import io.github.taskledger.worker.VersionClock;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CassandraStoreTest {
  private static final long START = 1_767_323_046_000_000L;
  private static final long GRACE_PERIOD = 30_000_000;
  private static final long HOUR = 3_600_000_000L;

  private long now = START;
  private long serverAhead;
  private boolean isClosed;
  private String missing = "";
  private final Map<String, String> settings =
      new HashMap<>(Map.of("layout", "1", "shards", "8", "data_center", "dc1", "grace_period", "" + GRACE_PERIOD / 1000));
  private final Map<String, Object> options =
      new HashMap<>(Map.of("read_repair", "BLOCKING", "default_time_to_live", 0, "gc_grace_seconds", 864_000));
  private final Deque<DriverException> failures = new ArrayDeque<>();
  private final List<List<CassandraSession.Statement>> applied = Collections.synchronizedList(new ArrayList<>());
  /** The parameters of the notes of lists, and what comes to these: {@link #failures} come to all other batches. */
  private final List<List<Object>> noted = Collections.synchronizedList(new ArrayList<>());
  private final Deque<DriverException> noteFailures = new ArrayDeque<>();
  private Runnable onApply = () -> {};
  /** What comes to transactions. */
  private Map<String, Object> answer = Map.of("[applied]", true);
  private Function<CassandraSession.Statement, List<Map<String, Object>>> onRead = statement -> List.of();

  /** Answers reads of the schema, and batches as it is told to; its clock is the host's. */
  private final CassandraSession session = new CassandraSession() {
    @Override
    public CompletionStage<?> apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
      Statement first = statements.get(0);
      boolean isNote = first.cql().contains(".lists ");
      if (isNote) noted.add(List.of(first.values()));
      else applied.add(statements);
      if (!isNote) onApply.run();
      DriverException failure = (isNote ? noteFailures : failures).poll();
      return failure == null ? CompletableFuture.completedFuture(null) : CompletableFuture.failedFuture(failure);
    }

    @Override
    public CompletionStage<List<Map<String, Object>>> read(
        Statement statement, ConsistencyLevel consistency, Duration timeout) {
      try {
        return CompletableFuture.completedFuture(rows(statement));
      } catch (DriverException error) {
        return CompletableFuture.failedFuture(error);
      }
    }

    @Override
    public CompletionStage<Map<String, Object>> transact(
        Statement statement, ConsistencyLevel consistency, Duration timeout) {
      applied.add(List.of(statement));
      onApply.run();
      DriverException failure = failures.poll();
      return failure == null ? CompletableFuture.completedFuture(answer) : CompletableFuture.failedFuture(failure);
    }

    @Override
    public boolean isClosed() {
      return isClosed;
    }
  };

  private List<Map<String, Object>> rows(CassandraSession.Statement statement) {
    String cql = statement.cql();
    Stream<String> tables = Settings.COLUMNS.keySet().stream();
    if (cql.contains("system_schema.columns"))
      return tables
          .filter(table -> !table.equals(missing))
          .flatMap(table -> Settings.COLUMNS.get(table).stream()
              .map(column -> Map.<String, Object>of("table_name", table, "column_name", column)))
          .toList();
    if (cql.contains("system_schema.tables"))
      return tables.map(table -> {
        Map<String, Object> row = new HashMap<>(options);
        row.put("table_name", table);
        return row;
      }).toList();
    if (cql.contains("settings"))
      return settings.entrySet().stream()
          .map(each -> Map.<String, Object>of("name", each.getKey(), "value", each.getValue()))
          .toList();
    return cql.contains("toUnixTimestamp") ? List.of(Map.of("now", (now + serverAhead) / 1000)) : onRead.apply(statement);
  }

  private CassandraStore open() {
    var limits = new CassandraStore.Limits(Duration.ofMillis(500), Duration.ofMillis(250));
    VersionClock clock = new VersionClock(() -> now, VersionClock.MAX_LIMIT);
    return new CassandraStore(session, "tasks", "dc1", clock, limits);
  }

  private static Task newTask(String id) {
    return new Task(Envelopes.create("datto.com", id, FetchFile.getDefaultInstance()));
  }

  private static OptionalLong versionOf(Task task) {
    return Envelopes.versionOf(task.envelope());
  }

  private static StoreException failureOf(Executable act) {
    return assertThrows(StoreException.class, act);
  }

  private static DriverException timeout() {
    return new DriverTimeoutException("no answer");
  }

  private static Map<String, Executable> callsOf(CassandraStore store, TaskEnvelope saved) {
    return Map.of(
        "save", () -> store.save(newTask("a")),
        "complete", () -> store.complete(saved),
        "find", () -> store.find("datto.com", "a"),
        "list", () -> store.openTasks("datto.com").toList(),
        "claim", () -> store.claim(saved, "A", Duration.ofMinutes(1)));
  }

  private static TaskEnvelope saved() {
    return Envelopes.withVersion(newTask("a").envelope(), START);
  }

  @ParameterizedTest
  @CsvSource({"shards,16", "grace_period,90000", "data_center,*", "shards,"})
  void aKeyspaceThatWasMadeAnewIsRefusedOnceTheClocksAreComparedAgain(String setting, String value) {
    CassandraStore store = open();
    store.save(newTask("a"));
    applied.clear();
    settings.put(setting, value == null ? "" : value);
    now += 1_000_000; // it was set
    Map<String, Executable> calls = callsOf(store, saved());
    for (String name : List.of("save", "complete", "find", "list", "claim")) {
      StoreException failure = failureOf(calls.get(name));
      assertEquals(Code.SCHEMA_MISMATCH, failure.code());
      assertEquals(false, failure.mayApply());
    }
    assertEquals(List.of(), applied);
  }

  @ParameterizedTest
  @ValueSource(strings = {"save", "complete", "find", "list", "claim"})
  void eachCallNoticesItAfterAWhileAndThatItIsAsItWas(String name) throws Throwable {
    CassandraStore store = open();
    settings.put("shards", "16");
    store.watch().suspect(); // as it does after a minute
    assertEquals(Code.SCHEMA_MISMATCH, failureOf(callsOf(store, saved()).get(name)).code());
    settings.put("shards", "8");
    store.watch().suspect();
    callsOf(store, saved()).get(name).execute();
  }

  @Test
  void settingsThatCanNotBeReadAreInNobodysWay() {
    SettingsGuard guard = new SettingsGuard(
        new Settings(8, GRACE_PERIOD, false),
        () -> {
          throw new StoreException(Code.UNAVAILABLE, "two replicas are down", false, null);
        },
        0);
    guard.check();
  }

  @Test
  void settingsAreReadAgainWhenTheIntervalIsOver() {
    Settings first = new Settings(8, GRACE_PERIOD, false);
    SettingsGuard often = new SettingsGuard(first, () -> new Settings(16, GRACE_PERIOD, false), 0);
    assertEquals(Code.SCHEMA_MISMATCH, failureOf(often::check).code());
    new SettingsGuard(first, () -> new Settings(16, GRACE_PERIOD, false)).check(); // not yet
  }

  @Test
  void whatIsNotAnsweredIsSentAgainAsItWas() {
    failures.addAll(List.of(timeout(), timeout()));
    Task task = newTask("a");
    open().save(task);
    assertEquals(3, applied.size());
    assertEquals(applied.get(0), applied.get(2));
    assertEquals(OptionalLong.of(START), versionOf(task));
  }

  @Test
  void aSaveThatIsNeverAnsweredMayBeApplied() {
    CassandraStore store = open();
    Task task = newTask("a");
    store.save(task);
    failures.addAll(Collections.nCopies(1000, timeout()));
    now++;
    StoreException error = failureOf(() -> store.save(task));
    assertEquals(Code.TIMEOUT, error.code());
    assertTrue(error.mayApply());
    assertEquals(OptionalLong.of(START + 1), versionOf(task));
    assertEquals(List.of(START), task.replaced());
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new InvalidQueryException(null, "Mutation is too large"), Code.TOO_LARGE, false),
        Arguments.of(new InvalidQueryException(null, "unconfigured table tasks"), Code.SCHEMA_MISMATCH, false),
        Arguments.of(new UnavailableException(null, DefaultConsistencyLevel.LOCAL_QUORUM, 2, 1), Code.UNAVAILABLE, false),
        Arguments.of(new NoNodeAvailableException(), Code.UNAVAILABLE, false),
        Arguments.of(new OverloadedException(null), Code.OVERLOADED, true));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aFailedSaveHasACodeAndSaysWhetherItMayBeApplied(DriverException failure, Code code, boolean mayApply) {
    failures.addAll(Collections.nCopies(1000, failure));
    Task task = newTask("a");
    StoreException error = failureOf(() -> open().save(task));
    assertEquals(code, error.code());
    assertEquals(mayApply, error.mayApply());
    assertEquals(mayApply, versionOf(task).isPresent());
  }

  @Test
  void aSessionThatWasClosedIsClosedAtOnce() {
    CassandraStore store = open();
    isClosed = true;
    assertEquals(Code.CLOSED, failureOf(() -> store.save(newTask("a"))).code());
    assertEquals(Code.CLOSED, failureOf(() -> store.find("datto.com", "a")).code());
    assertEquals(Code.CLOSED, failureOf(() -> store.openTasks("datto.com").toList()).code());
  }

  @Test
  void whatTheDriverThrowsBesideItsOwnErrorsIsAStoreExceptionToo() {
    CassandraStore store = open();
    onRead = statement -> {
      throw new IllegalStateException("no such codec");
    };
    assertEquals(Code.UNAVAILABLE, failureOf(() -> store.find("datto.com", "a")).code());
    onRead = statement -> {
      throw new IllegalArgumentException("no such column");
    };
    assertEquals(Code.UNAVAILABLE, failureOf(() -> store.find("datto.com", "a")).code());
    onApply = () -> {
      throw new IllegalArgumentException("too many values");
    };
    StoreException refused = failureOf(() -> store.save(newTask("a")));
    assertEquals(Code.UNAVAILABLE, refused.code());
    assertInstanceOf(IllegalArgumentException.class, refused.getCause());
    onRead = statement -> {
      isClosed = true;
      throw new IllegalStateException("the session is closed");
    };
    assertEquals(Code.CLOSED, failureOf(() -> store.find("datto.com", "a")).code());
  }

  @Test
  void anInterruptedThreadIsAborted() {
    CassandraStore store = open();
    onApply = () -> Thread.currentThread().interrupt();
    failures.addAll(Collections.nCopies(1000, timeout()));
    StoreException error = failureOf(() -> store.save(newTask("a")));
    assertEquals(Code.ABORTED, error.code());
    assertTrue(error.mayApply());
    assertTrue(Thread.interrupted());
  }

  static Stream<Function<TaskEnvelope.Builder, TaskEnvelope.Builder>> spoilers() {
    return Stream.of(
        envelope -> envelope.setId(""),
        envelope -> envelope.setTaskList("a\0"),
        envelope -> envelope.clearData(),
        envelope -> envelope.setCreatedAt(Timestamp.newBuilder().setSeconds(1_000_000_000_000L)));
  }

  @ParameterizedTest
  @MethodSource("spoilers")
  void nothingIsSentThatNobodyCouldRead(Function<TaskEnvelope.Builder, TaskEnvelope.Builder> spoil) {
    Task task = new Task(spoil.apply(newTask("a").envelope().toBuilder()).build());
    assertEquals(Code.INVALID_ENVELOPE, assertThrows(TaskException.class, () -> open().save(task)).code());
    assertEquals(List.of(), applied);
  }

  /** Saves a task in a process that is stopped for so many microseconds before it sees the answer. */
  private Task saveAnsweredAfter(long stop) {
    onApply = () -> {
      if (applied.size() == 1) now += stop;
    };
    Task task = newTask("a");
    open().save(task);
    return task;
  }

  @Test
  void aSaveThatIsAnsweredWithinHalfTheGracePeriodCounts() {
    assertEquals(OptionalLong.of(START), versionOf(saveAnsweredAfter(GRACE_PERIOD / 2 - 1)));
    assertEquals(1, applied.size());
  }

  @Test
  void aSaveThatIsAnsweredLaterThanThatDoesNotCount() {
    assertEquals(OptionalLong.of(START + GRACE_PERIOD / 2), versionOf(saveAnsweredAfter(GRACE_PERIOD / 2)));
    assertEquals(3, applied.size());
    assertEquals(START, applied.get(2).get(0).values()[0]);
  }

  @ParameterizedTest
  @CsvSource({
    "layout,2", "data_center,dc2", "grace_period,6e5", "grace_period,-30000", "grace_period,030000", "grace_period,3_0000", "grace_period,19999",
    "grace_period,2147483648", "shards,0", "shards,3", "shards,-8", "shards,131072", "shards,8.0", "shards,٨",
    "layout,''", "data_center,''", "grace_period,''", "shards,''"
  })
  void settingsThatItCanNotWorkWithAreRefused(String name, String value) {
    settings.put(name, value);
    assertEquals(Code.SCHEMA_MISMATCH, failureOf(this::open).code());
    settings.remove(name);
    assertEquals(Code.SCHEMA_MISMATCH, failureOf(this::open).code());
  }

  @ParameterizedTest
  @CsvSource({"read_repair,NONE", "default_time_to_live,4", "gc_grace_seconds,60"})
  void tableOptionsThatWouldLoseTasksAreRefused(String name, String value) {
    options.put(name, name.equals("read_repair") ? value : (Object) Integer.valueOf(value));
    assertEquals(Code.SCHEMA_MISMATCH, failureOf(this::open).code());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tasks", "open_tasks", "sweeps", "claims", "lists", "settings"})
  void aKeyspaceWithoutOneOfTheTablesIsRefused(String table) {
    missing = table;
    assertEquals(Code.SCHEMA_MISMATCH, failureOf(this::open).code());
  }

  /** One list: its entries in the shard of "a", and its rows. */
  private final class Listed implements Function<CassandraSession.Statement, List<Map<String, Object>>> {
    final List<Map<String, Object>> entries = new ArrayList<>();
    final Map<String, Map<String, Object>> rows = new HashMap<>();
    final List<Integer> reads = new ArrayList<>();
    /** Queries before the first read of tasks. */
    int opening;
    int shards = 8;
    Long last;
    List<Long> swept;
    /** Told of how wide each read of entries is; may throw. */
    Function<Long, Integer> onEntries = width -> 0;

    Listed entry(String id, long savedAt, int size) {
      entries.add(Map.of("saved_at", savedAt, "id", id, "size", size));
      return this;
    }

    Listed row(String id, long savedAt, byte[] body) {
      Map<String, Object> row = new HashMap<>();
      row.put("id", id);
      row.put("saved_at", body == null ? null : savedAt);
      row.put("body", body == null ? null : ByteBuffer.wrap(body));
      rows.put(id, row);
      return this;
    }

    @Override
    public List<Map<String, Object>> apply(CassandraSession.Statement statement) {
      Object[] values = statement.values();
      String cql = statement.cql();
      if (cql.contains(".tasks")) {
        var found = ((List<?>) values[2]).stream().filter(rows::containsKey).map(rows::get).map(HashMap::new).toList();
        found.forEach(row -> row.computeIfPresent("body", (name, body) -> ((ByteBuffer) body).duplicate()));
        reads.add(found.size());
        return List.copyOf(found);
      }
      if (reads.isEmpty()) opening++;
      int shard = CassandraStore.shardOf("a", shards);
      if (values[1] instanceof List<?> several) {
        boolean isSweeps = cql.contains(".sweeps");
        if (!several.contains(shard) || (isSweeps ? swept : last) == null) return List.of();
        return List.of(isSweeps ? Map.of("shard", shard, "ranges", swept) : Map.of("shard", shard));
      }
      if (!values[1].equals(shard)) return List.of();
      if (cql.contains("DESC LIMIT 1")) return last == null ? List.of() : List.of(Map.of("shard", shard, "saved_at", last));
      long after = (long) values[2];
      onEntries.apply((long) values[4] - after);
      return entries.stream()
          .filter(entry -> (long) entry.get("saved_at") > after
              || (long) entry.get("saved_at") == after && ((String) entry.get("id")).compareTo((String) values[3]) > 0)
          .filter(entry -> (long) entry.get("saved_at") <= (long) values[4])
          .sorted(Comparator.comparingLong(entry -> (long) entry.get("saved_at")))
          .limit((int) values[5])
          .toList();
    }
  }

  private static byte[] bodyOf(String id) {
    return Envelopes.encodeBody(newTask(id).envelope(), Envelopes.MAX_TASK_BYTES);
  }

  @Test
  void aTaskIsListedThoughTheEntryOfItsLaterVersionIsSweptBeforeThePassIsThere() {
    Listed listed = new Listed().row("a", START + 1000, bodyOf("a")).entry("a", START, 10);
    IntStream.range(1, OpenTasks.PAGE_ROWS).forEach(i -> listed.entry("completed " + i, START + i, 10));
    listed.entry("a", START + 1000, 10);
    int[] reads = {0};
    listed.onEntries = width -> {
      if (++reads[0] == 2) listed.entries.remove(OpenTasks.PAGE_ROWS); // swept before the second page is read
      return 0;
    };
    onRead = listed;
    var found = open().openTasks("datto.com").toList();
    assertEquals(List.of(OptionalLong.of(START + 1000)), found.stream().map(Envelopes::versionOf).toList());
  }

  @Test
  void aPageOfTasksIsBoundedInBytes() {
    Listed listed = new Listed();
    int size = 900_000;
    List<String> ids = IntStream.range(0, 40).mapToObj(String::valueOf).toList();
    for (int i = 0; i < 40; i++) listed.entry("" + i, START + i, size).row("" + i, START + i, bodyOf("" + i));
    onRead = listed;
    assertEquals(ids, open().openTasks("datto.com").map(TaskEnvelope::getId).toList());
    assertEquals(OpenTasks.PAGE_BYTES / size, Collections.max(listed.reads));
  }

  @Test
  void aListOfManyShardsIsOpenedByFewQueriesAndItsFirstPageIsSmall() {
    settings.put("shards", "64");
    Listed listed = new Listed();
    listed.shards = 64;
    for (int i = 0; i < 600; i++) listed.entry("" + i, START + i, 10).row("" + i, START + i, bodyOf("" + i));
    onRead = listed;
    assertEquals(600, open().openTasks("datto.com").count());
    // Four of what was swept, four of what is past the bound, and one of the entries of each shard.
    assertEquals(4 + 4 + 64, listed.opening);
    assertEquals(List.of(16, 256, 244, 84), listed.reads);
  }

  @Test
  void whatWasSweptIsNotRead() {
    Listed listed = new Listed()
        .entry("a", START, 10).row("a", START, bodyOf("a"))
        .entry("swept", START + 2, 10).row("swept", START + 2, bodyOf("swept"))
        .entry("b", START + 4, 10).row("b", START + 4, bodyOf("b"));
    listed.swept = List.of(START, START + 4);
    onRead = listed;
    assertEquals(List.of("a", "b"), open().openTasks("datto.com").map(TaskEnvelope::getId).toList());
  }

  @Test
  void nothingIsReadThatIsNotAskedFor() {
    Listed listed = new Listed();
    for (int i = 0; i < 40; i++) listed.entry("" + i, START + i, 900_000).row("" + i, START + i, bodyOf("" + i));
    onRead = listed;
    assertEquals("0", open().openTasks("datto.com").iterator().next().getId());
    assertEquals(1, listed.reads.size());
  }

  @Test
  void rowsThatAreNoTasksComeAsDamagedOnesAndStopNobody() {
    onRead = new Listed()
        .entry("bytes", START, 10).row("bytes", START, new byte[] {-1})
        .entry("other", START + 1, 10).row("other", START + 1, bodyOf("x"))
        .entry("null", START + 1, 10).row("null", START + 1, null)
        .entry("a", START + 2, 10).row("a", START + 2, bodyOf("a"));
    CassandraStore store = open();
    List<TaskEnvelope> found = store.openTasks("datto.com").toList();
    assertEquals(List.of("bytes", "other", "a"), found.stream().map(TaskEnvelope::getId).toList());
    assertEquals(List.of(true, true, false), found.stream().map(Envelopes::isDamaged).toList());
    store.complete(found.get(0));
    assertEquals(START, applied.get(0).get(0).values()[0]);
    assertEquals("bytes", applied.get(0).get(0).values()[3]);
  }

  @Test
  void aStretchOfMoreTombstonesThanAReadMayMeetIsReadInParts() {
    Listed listed = new Listed().entry("a", START, 10).row("a", START, bodyOf("a"));
    listed.onEntries = width -> {
      if (width > 1_000_000_000_000L)
        throw new ReadFailureException(null, DefaultConsistencyLevel.LOCAL_QUORUM, 0, 1, 1, false, Map.of());
      return 0;
    };
    onRead = listed;
    assertEquals(List.of("a"), open().openTasks("datto.com").map(TaskEnvelope::getId).toList());
  }

  @Test
  void olderTasksAreListedAndThoseOfAClockThatWasWrong() {
    Listed listed = new Listed();
    listed.last = START + 100_000_000;
    Map.of("old", START - 61_000_000, "young", START - 59_000_000, "wild", listed.last)
        .forEach((id, at) -> listed.entry(id, at, 10).row(id, at, bodyOf(id)));
    onRead = listed;
    var found = open().openTasks("datto.com", Duration.ofMinutes(1)).map(TaskEnvelope::getId).toList();
    assertEquals(List.of("old", "wild"), found);
  }

  @Test
  void aFailedReadIsNeverUnknown() {
    CassandraStore store = open();
    onRead = statement -> {
      throw timeout();
    };
    StoreException error = failureOf(() -> store.find("datto.com", "a"));
    assertEquals(Code.TIMEOUT, error.code());
    assertInstanceOf(DriverTimeoutException.class, error.getCause());
    assertTrue(!error.mayApply());
  }

  private static Task saveTo(CassandraStore store, String taskList, String id) {
    Task task = new Task(Envelopes.create(taskList, id, FetchFile.getDefaultInstance()));
    store.save(task);
    return task;
  }

  @Test
  void aListIsNotedByTheFirstSaveAndAgainAfterAnHour() {
    int bucket = 13541 % 16; // as docs/protocol.md works it out
    CassandraStore store = open();
    saveTo(store, "file1.txt", "a");
    now += HOUR - 1;
    saveTo(store, "file1.txt", "b");
    assertEquals(List.of(List.of(bucket, "file1.txt", START, START)), noted);
    now++;
    saveTo(store, "file1.txt", "c");
    assertEquals(2, noted.size());
    assertEquals(List.of(bucket, "file1.txt", START + HOUR, START + HOUR), noted.get(1));
  }

  @Test
  void aListIsNotedAgainByAClockThatWasSetBack() {
    CassandraStore store = open();
    saveTo(store, "datto.com", "a");
    now -= 1000;
    saveTo(store, "datto.com", "b");
    assertEquals(List.of(START, START - 1000), noted.stream().map(each -> each.get(2)).toList());
  }

  @Test
  void eachListIsNotedByItself() {
    CassandraStore store = open();
    for (String taskList : List.of("a.com", "b.com", "a.com", "b.com")) saveTo(store, taskList, "a");
    List<List<Object>> wanted = Stream.of("a.com", "b.com")
        .map(name -> List.<Object>of(CassandraStore.shardOf(name, 16), name, START, START))
        .toList();
    assertEquals(wanted, noted);
  }

  @Test
  void aNoteThatIsNotAnsweredIsSentAgainAsItWas() {
    noteFailures.add(timeout());
    saveTo(open(), "datto.com", "a");
    assertEquals(2, noted.size());
    assertEquals(noted.get(0), noted.get(1));
  }

  static Stream<Arguments> noteFailures() {
    return Stream.of(
        Arguments.of(new UnavailableException(null, DefaultConsistencyLevel.LOCAL_QUORUM, 2, 1), Code.UNAVAILABLE),
        Arguments.of(new InvalidQueryException(null, "unconfigured table lists"), Code.SCHEMA_MISMATCH),
        Arguments.of(timeout(), Code.TIMEOUT));
  }

  @ParameterizedTest
  @MethodSource("noteFailures")
  void aSaveWhoseListCanNotBeNotedMayBeApplied(DriverException failure, Code code) {
    CassandraStore store = open();
    noteFailures.addAll(Collections.nCopies(1000, failure));
    Task task = new Task(saved(), List.of(START - 3));
    StoreException error = failureOf(() -> store.save(task));
    assertEquals(code, error.code());
    assertTrue(error.mayApply());
    assertTrue(error.getMessage().contains("its list could not be noted"));
    // What it replaces is kept until a save is sure.
    assertEquals(OptionalLong.of(START + 1), versionOf(task));
    assertEquals(List.of(START, START - 3), task.replaced());
    assertEquals(1, applied.size());
    noteFailures.clear();
    noted.clear();
    store.save(task);
    assertEquals(1, noted.size());
    assertEquals(List.of(), task.replaced());
  }

  @Test
  void noListIsNotedForASaveThatFailed() {
    failures.add(new InvalidQueryException(null, "Mutation is too large"));
    assertEquals(Code.TOO_LARGE, failureOf(() -> open().save(newTask("a"))).code());
    assertEquals(List.of(), noted);
  }

  @Test
  void soManyListsAreKnownAndThenAllAreNotedAnew() {
    List<String> written = new ArrayList<>();
    ListNames lists = new ListNames(() -> START, (taskList, at) -> written.add(taskList));
    for (int i = 0; i < 2 * ListNames.MAX_KNOWN; i++) lists.note("" + i % ListNames.MAX_KNOWN);
    assertEquals(ListNames.MAX_KNOWN, written.size());
    List.of("one more", "0", "one more", "0").forEach(lists::note);
    assertEquals(List.of("one more", "0"), written.subList(ListNames.MAX_KNOWN, written.size()));
  }

  private static final Duration LEASE = Duration.ofSeconds(10);

  /** A store where "a" is open at START, with a row of claims; nothing is null in it, but what is left out. */
  private CassandraStore openWith(Map<String, Object> row) {
    Listed listed = new Listed().row("a", START, Envelopes.encodeBody(saved(), Envelopes.MAX_TASK_BYTES));
    onRead = statement -> statement.cql().contains(".claims") ? List.of(row) : listed.apply(statement);
    return open();
  }

  private static final Map<String, Object> CLAIMED = Map.of(
      "saved_at", START, "owner", "A", "fencing_token", START + 7, "attempt", 3, "ends_at", START / 1000 + 10_000);

  private static Claim claim() {
    return new Claim("datto.com", "a", START, "A", START + 7, 3, START / 1000 + 10_000);
  }

  @Test
  void aClaimReplacesTheRowThatWasReadAndNoOther() {
    CassandraStore store = openWith(CLAIMED);
    assertEquals(Optional.empty(), store.claim(saved(), "B", LEASE));
    assertEquals(List.of(), applied);
    Claim claim = store.claim(saved(), "A", LEASE).orElseThrow();
    assertEquals(new Claim("datto.com", "a", START, "A", START + 8, 4, START / 1000 + 10_000), claim);
    CassandraSession.Statement sent = applied.get(0).get(0);
    assertTrue(sent.cql().endsWith("IF fencing_token = ? AND ends_at = ?"), sent.cql());
    assertEquals(List.of("datto.com", "a", START + 7, START / 1000 + 10_000), List.of(sent.values()).subList(5, 9));
    assertEquals(new ClaimState(START, "A", START + 7, 3, START / 1000 + 10_000),
        store.claimState("datto.com", "a").orElseThrow());
  }

  @Test
  void aRowWithoutATokenCountsAsNone() {
    CassandraStore store = openWith(Map.of("owner", "B", "ends_at", Long.MAX_VALUE));
    assertEquals(Optional.empty(), store.claimState("datto.com", "a"));
    assertEquals(1, store.claim(saved(), "A", LEASE).orElseThrow().attempt());
  }

  @Test
  void whatIsNotOpenIsNotClaimedEvenForAWhile() {
    TaskEnvelope old = Envelopes.withVersion(saved(), START - 1);
    assertEquals(Optional.empty(), openWith(Map.of()).claim(old, "A", LEASE));
    assertEquals(List.of(), applied);
  }

  @ParameterizedTest
  @ValueSource(longs = {1_796_142_880_201_638_000L, Long.MAX_VALUE})
  void aTokenOfNoClockKeepsNoClaimAndNoSaveFromBeingMade(long token) {
    CassandraStore store = openWith(Map.of("saved_at", START, "fencing_token", token, "attempt", 1, "ends_at", 0L));
    assertEquals(START + 1, store.claim(saved(), "A", LEASE).orElseThrow().token());
    Task task = newTask("b");
    store.save(task);
    assertEquals(OptionalLong.of(START + 2), versionOf(task));
  }

  @Test
  void aLeaseThatNeverEndsKeepsOthersAway() {
    Map<String, Object> row = new HashMap<>(CLAIMED);
    row.put("ends_at", Long.MAX_VALUE);
    assertEquals(Optional.empty(), openWith(row).claim(saved(), "B", LEASE));
  }

  @Test
  void aRowThatKeepsChangingIsNotClaimed() {
    CassandraStore store = openWith(Map.of());
    answer = Map.of("[applied]", false);
    assertEquals(Optional.empty(), store.claim(saved(), "A", LEASE));
    assertEquals(3, applied.size());
  }

  @Test
  void aClaimToWhatIsCompletedMeanwhileIsTakenBack() {
    CassandraStore store = openWith(CLAIMED);
    onApply = () -> onRead = statement -> List.of();
    assertEquals(Optional.empty(), store.claim(saved(), "A", LEASE));
    assertEquals(2, applied.size());
    assertEquals(
        List.of(START, "A", START + 7, 3, START / 1000 + 10_000, "datto.com", "a", START + 8, START / 1000 + 10_000),
        List.of(applied.get(1).get(0).values()));
  }

  @Test
  void aClaimThatCanNotBeTakenBackExpires() {
    CassandraStore store = openWith(CLAIMED);
    onApply = () -> {
      if (applied.size() == 2) failures.add(timeout());
      onRead = statement -> List.of();
    };
    assertEquals(Optional.empty(), store.claim(saved(), "A", LEASE));
    assertEquals(2, applied.size());
  }

  @Test
  void aClaimThatMayHaveBeenGrantedIsNotAskedForAgain() {
    CassandraStore store = openWith(Map.of());
    failures.add(timeout());
    StoreException error = failureOf(() -> store.claim(saved(), "A", LEASE));
    assertEquals(Code.TIMEOUT, error.code());
    assertTrue(error.mayApply());
    assertEquals(1, applied.size());
  }

  @Test
  void aClaimThatSurelyWasNotGrantedIsAskedForAgain() {
    CassandraStore store = openWith(Map.of());
    failures.add(new UnavailableException(null, DefaultConsistencyLevel.LOCAL_QUORUM, 2, 1));
    assertTrue(store.claim(saved(), "A", LEASE).isPresent());
    assertEquals(2, applied.size());
  }

  @Test
  void whatDoesTheSameAgainIsSentAgain() {
    CassandraStore store = openWith(CLAIMED);
    List<Runnable> calls =
        List.of(() -> store.renew(claim(), LEASE), () -> store.release(claim(), LEASE), () -> store.forget(claim()));
    for (Runnable each : calls) {
      applied.clear();
      failures.add(timeout());
      each.run();
      assertEquals(2, applied.size());
      assertEquals(applied.get(0), applied.get(1));
    }
  }

  @Test
  void aRenewalThatIsNotAppliedEndsWhereAnotherSaysOrTheClaimIsLost() {
    CassandraStore store = openWith(CLAIMED);
    assertEquals(START / 1000 + 10_000, store.renew(claim(), LEASE).until());
    answer = Map.of("[applied]", false, "owner", "A", "fencing_token", START + 7, "ends_at", START);
    assertEquals(START, store.renew(claim(), LEASE).until());
    answer = Map.of("[applied]", false, "owner", "B", "fencing_token", START + 8, "ends_at", START);
    assertEquals(Code.CLAIM_LOST, failureOf(() -> store.renew(claim(), LEASE)).code());
    answer = Map.of("[applied]", false, "fencing_token", START + 7, "ends_at", START);
    StoreException released = failureOf(() -> store.renew(claim(), LEASE));
    assertEquals(Code.CLAIM_LOST, released.code());
    assertEquals(false, released.mayApply());
  }

  @ParameterizedTest
  @CsvSource({"PT0S,0", "PT-1S,0", "PT0.000000001S,1", "PT1.5S,1500"})
  void aWaitIsRoundedUpAndAtOnceMeansAtOnce(Duration retryIn, long wait) {
    CassandraStore store = openWith(CLAIMED);
    store.release(claim(), retryIn);
    assertEquals(wait == 0 ? 0 : START / 1000 + wait, applied.get(0).get(0).values()[0]);
  }

  @Test
  void tasksMayBeAskedForThatAreOlderThanAny() {
    assertEquals(List.of(), open().openTasks("datto.com", Duration.ofSeconds(Long.MAX_VALUE)).toList());
  }

  @Test
  void aTaskMayBeAsLargeAsItsLimit() {
    FetchFile file = FetchFile.newBuilder().setFilename("x".repeat(Envelopes.MAX_TASK_BYTES)).build();
    TaskEnvelope envelope = newTask("a").envelope().toBuilder().setData(Any.pack(file)).build();
    CassandraStore store = open();
    store.save(new Task(envelope, List.of(), Integer.MAX_VALUE));
    assertEquals(Code.TOO_LARGE, assertThrows(TaskException.class, () -> store.save(new Task(envelope))).code());
  }

  @Test
  void aLeaseMayBeAsLongAsAnyDuration() {
    CassandraStore store = openWith(Map.of());
    Claim claim = store.claim(saved(), "A", Duration.ofSeconds(Long.MAX_VALUE)).orElseThrow();
    assertEquals(8_640_000_000_000_000L, claim.until());
  }

  static Stream<Arguments> senselessClaims() {
    return Stream.of(
        Arguments.of("", LEASE),
        Arguments.of("A".repeat(513), LEASE),
        Arguments.of("taskledger.redelivery", LEASE),
        Arguments.of("A", Duration.ZERO),
        Arguments.of("A", Duration.ofMillis(9)));
  }

  @ParameterizedTest
  @MethodSource("senselessClaims")
  void aClaimThatMakesNoSenseIsRefused(String owner, Duration lease) {
    CassandraStore store = openWith(Map.of());
    assertEquals(Code.INVALID_ARGUMENT,
        assertThrows(TaskException.class, () -> store.claim(saved(), owner, lease)).code());
    assertEquals(Code.NOT_SAVED,
        assertThrows(TaskException.class, () -> store.claim(newTask("a").envelope(), "A", LEASE)).code());
    assertEquals(List.of(), applied);
  }

  @Test
  void nothingIsClaimedOrRenewedWhileTheClockIsOff() {
    CassandraStore store = openWith(Map.of());
    serverAhead = 5_000_000;
    assertEquals(Code.CLOCK_SKEW, failureOf(() -> store.claim(saved(), "A", LEASE)).code());
    assertEquals(Code.CLOCK_SKEW, failureOf(() -> store.renew(claim(), LEASE)).code());
    assertEquals(List.of(), applied);
    store.release(claim(), LEASE);
  }

  @Test
  void manyThreadsShareAStore() {
    CassandraStore store = open();
    IntStream.range(0, 160).parallel().forEach(i -> {
      Task task = newTask("" + i);
      store.save(task);
      store.complete(task.envelope());
    });
    assertEquals(320, applied.size());
    assertEquals(Set.of("datto.com"), noted.stream().map(each -> each.get(1)).collect(Collectors.toSet()));
    long versions = applied.stream().map(batch -> batch.get(0)).filter(each -> each.cql().startsWith("INSERT"))
        .map(each -> each.values()[4]).distinct().count();
    assertEquals(160, versions);
  }
}
