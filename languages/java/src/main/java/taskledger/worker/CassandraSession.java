package taskledger.worker;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.ColumnDefinition;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.Row;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a {@link Ledger} asks of Cassandra: one attempt at each call. Failures are the driver's. */
public interface CassandraSession {
  /** CQL and its parameters. */
  record Statement(String cql, Object... values) {}

  /** Makes one batch of the statements. */
  void apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout);

  /** All rows, the columns by name. */
  List<Map<String, Object>> read(Statement statement, ConsistencyLevel consistency, Duration timeout);

  /** On a session of the driver, which prepares each statement once. */
  static CassandraSession of(CqlSession session) {
    return new CassandraSession() {
      @Override
      public void apply(List<Statement> statements, ConsistencyLevel consistency, Duration timeout) {
        BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.LOGGED);
        for (Statement each : statements) batch.addStatement(session.prepare(each.cql()).bind(each.values()));
        session.execute(
            batch.setConsistencyLevel(consistency).setIdempotence(true).setTimeout(timeout).build());
      }

      @Override
      public List<Map<String, Object>> read(Statement statement, ConsistencyLevel consistency, Duration timeout) {
        var bound = session.prepare(statement.cql()).bind(statement.values());
        var result = session.execute(
            bound.setConsistencyLevel(consistency).setIdempotent(true).setTimeout(timeout));
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Row row : result) rows.add(valuesOf(row));
        return rows;
      }
    };
  }

  private static Map<String, Object> valuesOf(Row row) {
    Map<String, Object> values = new HashMap<>();
    for (ColumnDefinition column : row.getColumnDefinitions())
      values.put(column.getName().asInternal(), row.getObject(column.getName()));
    return values;
  }
}
