package io.github.taskledger.worker.cassandra;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.ColumnDefinition;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/** What a {@link CassandraStore} asks of Cassandra: one attempt at each call. Failures are the driver's. */
interface CassandraSession {
  /** CQL and its parameters. */
  record Statement(String cql, Object... values) {}

  /** Makes one batch of the statements. */
  CompletionStage<?> apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout);

  /** All rows, the columns by name. */
  CompletionStage<List<Map<String, Object>>> read(Statement statement, ConsistencyLevel consistency, Duration timeout);

  /** A lightweight transaction: its answer, the columns by name, and whether it was applied as {@code [applied]}. */
  CompletionStage<Map<String, Object>> transact(Statement statement, ConsistencyLevel consistency, Duration timeout);

  boolean isClosed();

  /** On a session of the driver. */
  static CassandraSession of(CqlSession session) {
    return new DriverSession(session);
  }

  /** Keeps its prepared statements: the driver holds them by weak references only, and would prepare them again. */
  final class DriverSession implements CassandraSession {
    private final CqlSession session;
    private final Map<String, PreparedStatement> prepared = new ConcurrentHashMap<>();

    private DriverSession(CqlSession session) {
      this.session = session;
    }

    @Override
    public CompletionStage<?> apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
      BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.LOGGED);
      CompletionStage<BatchStatementBuilder> filled = CompletableFuture.completedFuture(batch);
      for (Statement each : statements) filled = filled.thenCombine(bind(each), BatchStatementBuilder::addStatement);
      return filled.thenCompose(all -> session.executeAsync(
          all.setConsistencyLevel(consistency).setIdempotence(true).setTimeout(timeout).build()));
    }

    @Override
    public CompletionStage<List<Map<String, Object>>> read(
        Statement statement, ConsistencyLevel consistency, Duration timeout) {
      return bind(statement)
          .thenCompose(bound -> session.executeAsync(
              bound.setConsistencyLevel(consistency).setIdempotent(true).setTimeout(timeout)))
          .thenCompose(page -> collect(page, new ArrayList<>()));
    }

    /** Not idempotent, for the driver: it is sent once. */
    @Override
    public CompletionStage<Map<String, Object>> transact(
        Statement statement, ConsistencyLevel consistency, Duration timeout) {
      boolean isLocal = consistency.equals(DefaultConsistencyLevel.LOCAL_QUORUM);
      ConsistencyLevel serial = isLocal ? DefaultConsistencyLevel.LOCAL_SERIAL : DefaultConsistencyLevel.SERIAL;
      return bind(statement)
          .thenCompose(bound -> session.executeAsync(bound
              .setConsistencyLevel(consistency)
              .setSerialConsistencyLevel(serial)
              .setIdempotent(false)
              .setTimeout(timeout)))
          .thenApply(answer -> valuesOf(answer.one()));
    }

    @Override
    public boolean isClosed() {
      return session.isClosed();
    }

    private CompletionStage<BoundStatement> bind(Statement statement) {
      PreparedStatement known = prepared.get(statement.cql());
      if (known != null) return CompletableFuture.completedFuture(known.bind(statement.values()));
      return session.prepareAsync(statement.cql()).thenApply(made -> {
        prepared.put(statement.cql(), made);
        return made.bind(statement.values());
      });
    }
  }

  /** All rows of a result, which the server may cut into pages. */
  private static CompletionStage<List<Map<String, Object>>> collect(AsyncResultSet page, List<Map<String, Object>> rows) {
    for (Row row : page.currentPage()) rows.add(valuesOf(row));
    if (!page.hasMorePages()) return CompletableFuture.completedFuture(rows);
    return page.fetchNextPage().thenCompose(next -> collect(next, rows));
  }

  private static Map<String, Object> valuesOf(Row row) {
    Map<String, Object> values = new HashMap<>();
    for (ColumnDefinition column : row.getColumnDefinitions())
      values.put(column.getName().asInternal(), row.getObject(column.getName()));
    return values;
  }
}
