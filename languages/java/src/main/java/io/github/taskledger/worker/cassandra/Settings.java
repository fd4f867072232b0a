package io.github.taskledger.worker.cassandra;

import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.InvalidTaskException;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.cassandra.CassandraSession.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What all clients of a keyspace agree on. The grace period is in microseconds. */
record Settings(int shards, long gracePeriod, boolean hasSeveralDataCenters) {
  private static final int CLOCK_LIMITS_IN_A_GRACE_PERIOD = 20;
  private static final int MAX_SHARDS = 65_536;

  /** As long as hints are kept by default, in seconds: a deletion must outlive the writes that are under way to a replica. */
  private static final int LEAST_GC_GRACE = 3 * 3600;

  /** What a client names of the tables. */
  static final Map<String, List<String>> COLUMNS = Map.of(
      "tasks", List.of("task_list", "shard", "id", "body"),
      "open_tasks", List.of("task_list", "shard", "saved_at", "id", "size"),
      "sweeps", List.of("task_list", "shard", "swept_to", "ranges"),
      "claims", List.of("task_list", "id", "saved_at", "owner", "fencing_token", "attempt", "ends_at"),
      "lists", List.of("bucket", "task_list", "noted_at"),
      "settings", List.of("name", "value"));

  /** Checks the tables and reads the settings. Throws SCHEMA_MISMATCH, which says what is not as it must be. */
  static Settings read(RetryingSession session, String keyspace, String dataCenter, long clockLimit) {
    if (!keyspace.matches("\\w{1,48}"))
      throw new InvalidTaskException(Code.INVALID_ARGUMENT, "a keyspace has 1 to 48 letters, digits and underscores");
    List<String> problems = problemsOfTables(session, keyspace);
    if (!problems.isEmpty()) throw mismatch(keyspace, problems);
    return readValues(session, keyspace, dataCenter, clockLimit);
  }

  /** Reads the settings alone. Throws SCHEMA_MISMATCH. */
  static Settings readValues(RetryingSession session, String keyspace, String dataCenter, long clockLimit) {
    // By their names: if a replica does not answer, Cassandra asks another for a row, but not for a whole table.
    String query = "SELECT name, value FROM \"" + keyspace + "\".settings WHERE name IN ?";
    Map<String, String> found = new HashMap<>();
    for (var row : session.read(new Statement(query, List.of("layout", "shards", "data_center", "grace_period"))))
      found.put((String) row.get("name"), (String) row.get("value"));
    List<String> problems = problemsOf(found, dataCenter, clockLimit);
    if (!problems.isEmpty()) throw mismatch(keyspace, problems);
    boolean hasSeveral = found.get("data_center").equals("*");
    return new Settings(Integer.parseInt(found.get("shards")), Long.parseLong(found.get("grace_period")) * 1000, hasSeveral);
  }

  private static List<String> problemsOfTables(RetryingSession session, String keyspace) {
    String columns = "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = ?";
    Set<String> found = new HashSet<>();
    for (var row : session.read(new Statement(columns, keyspace)))
      found.add(row.get("table_name") + "." + row.get("column_name"));
    if (found.isEmpty())
      return List.of("there is no such keyspace, or it has no tables: CassandraAdapter.createSchema makes them");
    List<String> problems = new ArrayList<>();
    COLUMNS.forEach((table, wanted) -> {
      for (String column : wanted)
        if (!found.contains(table + "." + column)) problems.add("column " + table + "." + column + " is missing");
    });
    String options = "SELECT table_name, read_repair, default_time_to_live, gc_grace_seconds FROM system_schema.tables "
        + "WHERE keyspace_name = ?";
    for (var row : session.read(new Statement(options, keyspace)))
      if (COLUMNS.containsKey(row.get("table_name"))) problems.addAll(problemsOfOptions(row));
    return problems;
  }

  private static List<String> problemsOfOptions(Map<String, Object> row) {
    List<String> problems = new ArrayList<>();
    String table = "table " + row.get("table_name") + ": ";
    Object timeToLive = row.get("default_time_to_live");
    Object gcGrace = row.get("gc_grace_seconds");
    if (!"BLOCKING".equals(row.get("read_repair")))
      problems.add(table + "read_repair is " + row.get("read_repair") + ", and must be BLOCKING");
    if (!Integer.valueOf(0).equals(timeToLive))
      problems.add(table + "default_time_to_live is " + timeToLive + ", and must be 0: tasks would expire");
    if (!(gcGrace instanceof Integer grace) || grace < LEAST_GC_GRACE)
      problems.add(table + "gc_grace_seconds is " + gcGrace + ", and must be at least " + LEAST_GC_GRACE);
    return problems;
  }

  private static List<String> problemsOf(Map<String, String> found, String dataCenter, long clockLimit) {
    List<String> problems = new ArrayList<>();
    if (!"1".equals(found.get("layout")))
      problems.add("setting layout is \"" + found.get("layout") + "\", and must be \"1\"");
    long shards = wholeNumber(found.get("shards"));
    if (shards < 1 || shards > MAX_SHARDS || Long.bitCount(shards) != 1)
      problems.add("setting shards is \"" + found.get("shards") + "\", which is no power of two up to " + MAX_SHARDS);
    String wanted = found.get("data_center");
    if (!"*".equals(wanted) && !dataCenter.equals(wanted))
      problems.add("its clients must be in data centre \"" + wanted + "\"; this one is in \"" + dataCenter + '"');
    long gracePeriod = wholeNumber(found.get("grace_period"));
    long least = Math.max(1, CLOCK_LIMITS_IN_A_GRACE_PERIOD * clockLimit / 1000);
    if (gracePeriod < least || gracePeriod > Integer.MAX_VALUE)
      problems.add("setting grace_period is \"" + found.get("grace_period") + "\", and must be milliseconds, at least " + least);
    return problems;
  }

  /** -1 for what is none. */
  private static long wholeNumber(String setting) {
    return setting != null && setting.matches("[1-9][0-9]{0,9}") ? Long.parseLong(setting) : -1;
  }

  private static StoreException mismatch(String keyspace, List<String> problems) {
    String reason = "keyspace \"" + keyspace + "\": " + String.join("; ", problems);
    return new StoreException(Code.SCHEMA_MISMATCH, reason, false, null);
  }
}
