package io.github.taskledger.worker.cassandra;

import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.DriverException;
import com.datastax.oss.driver.api.core.DriverTimeoutException;
import com.datastax.oss.driver.api.core.NoNodeAvailableException;
import com.datastax.oss.driver.api.core.RequestThrottlingException;
import com.datastax.oss.driver.api.core.connection.BusyConnectionException;
import com.datastax.oss.driver.api.core.connection.ClosedConnectionException;
import com.datastax.oss.driver.api.core.servererrors.BootstrappingException;
import com.datastax.oss.driver.api.core.servererrors.OverloadedException;
import com.datastax.oss.driver.api.core.servererrors.QueryValidationException;
import com.datastax.oss.driver.api.core.servererrors.ReadFailureException;
import com.datastax.oss.driver.api.core.servererrors.ReadTimeoutException;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;
import com.datastax.oss.driver.api.core.servererrors.WriteTimeoutException;
import io.github.taskledger.worker.Code;
import io.github.taskledger.worker.StoreException;
import io.github.taskledger.worker.cassandra.CassandraSession.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Reads and writes until an attempt succeeds or the deadline has passed: all statements but some transactions are idempotent. */
final class RetryingSession {
  /** Reads that are under way at once. */
  private static final int WINDOW = 64;

  private final CassandraSession session;
  private final Duration deadline;
  private final Duration attempt;
  private volatile ConsistencyLevel consistency = DefaultConsistencyLevel.LOCAL_QUORUM;
  private volatile Runnable check = () -> {};

  /** A read of a range met more tombstones than the server allows: a part of the range may be read. */
  static final class TooManyTombstones extends Exception {
    private static final long serialVersionUID = 1;
  }

  RetryingSession(CassandraSession session, Duration deadline, Duration attempt) {
    this.session = session;
    this.deadline = deadline;
    this.attempt = attempt;
  }

  void setConsistency(ConsistencyLevel consistency) {
    this.consistency = consistency;
  }

  /** What is to be done before each call; what it throws is thrown instead. */
  void setCheck(Runnable check) {
    this.check = check;
  }

  void write(List<Statement> statements) {
    retry(timeout -> session.apply(statements, consistency, timeout), true, true);
  }

  /** A lightweight transaction. It is sent once if it may have been applied, unless to repeat it does the same. */
  Map<String, Object> transact(Statement statement, boolean mayRepeat) {
    return retry(timeout -> session.transact(statement, consistency, timeout), true, mayRepeat);
  }

  List<Map<String, Object>> read(Statement statement) {
    return retry(timeout -> session.read(statement, consistency, timeout), false, true);
  }

  /** Reads at once, in the order of the statements; each that fails is tried again by itself. */
  List<List<Map<String, Object>>> readAll(List<Statement> statements) {
    check.run();
    List<List<Map<String, Object>>> results = new ArrayList<>();
    for (int start = 0; start < statements.size(); start += WINDOW) {
      List<Statement> some = statements.subList(start, Math.min(start + WINDOW, statements.size()));
      checkOpen();
      List<CompletionStage<List<Map<String, Object>>>> begun =
          some.stream().map(each -> begin(() -> session.read(each, consistency, attempt))).toList();
      for (int i = 0; i < some.size(); i++) {
        List<Map<String, Object>> rows;
        try {
          rows = await(begun.get(i), false);
        } catch (DriverException failed) {
          rows = read(some.get(i));
        }
        results.add(rows);
      }
    }
    return results;
  }

  /** Reads a range of entries. */
  List<Map<String, Object>> readRange(Statement statement) throws TooManyTombstones {
    try {
      return retry(timeout -> session.read(statement, consistency, timeout), false, true);
    } catch (StoreException error) {
      if (isTombstones(error.getCause())) throw new TooManyTombstones();
      throw error;
    }
  }

  private <T> T retry(Function<Duration, CompletionStage<T>> begin, boolean isWrite, boolean mayRepeat) {
    check.run();
    long end = System.nanoTime() + deadline.toNanos();
    boolean mayApply = false;
    for (int tries = 0; ; tries++) {
      checkOpen();
      try {
        long left = Math.max(1_000_000, end - System.nanoTime());
        Duration timeout = Duration.ofNanos(Math.min(left, attempt.toNanos()));
        return await(begin(() -> begin.apply(timeout)), isWrite);
      } catch (DriverException error) {
        mayApply |= isWrite && mayApply(error);
        long pause = ThreadLocalRandom.current().nextLong(1 + Math.min(1000, 25L << Math.min(tries, 6)));
        boolean isRepeated = isRetried(error) && !isTombstones(error) && (mayRepeat || !mayApply);
        if (!isRepeated || System.nanoTime() + pause * 1_000_000 >= end) {
          checkOpen();
          throw new StoreException(codeOf(error), "Cassandra: " + error.getMessage(), mayApply, error);
        }
        sleep(pause, mayApply);
      }
    }
  }

  /** What the driver throws at once comes as the rest. */
  private static <T> CompletionStage<T> begin(Supplier<CompletionStage<T>> call) {
    try {
      return call.get();
    } catch (RuntimeException thrown) {
      return CompletableFuture.failedFuture(thrown);
    }
  }

  /** Driver errors as they are, all else as a StoreException: a session that is closed meanwhile throws others. */
  private <T> T await(CompletionStage<T> stage, boolean isWrite) {
    try {
      return stage.toCompletableFuture().get();
    } catch (InterruptedException interrupted) {
      throw aborted(isWrite, interrupted);
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof DriverException error) throw error;
      if (failed.getCause() instanceof StoreException error) throw error;
      checkOpen();
      throw new StoreException(Code.UNAVAILABLE, "Cassandra: " + failed.getCause(), isWrite, failed.getCause());
    }
  }

  private void checkOpen() {
    if (session.isClosed()) throw new StoreException(Code.CLOSED, "the driver's session has been closed", false, null);
  }

  private static void sleep(long milliseconds, boolean mayApply) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException interrupted) {
      throw aborted(mayApply, interrupted);
    }
  }

  private static StoreException aborted(boolean mayApply, InterruptedException interrupted) {
    Thread.currentThread().interrupt();
    return new StoreException(Code.ABORTED, "the thread was interrupted", mayApply, interrupted);
  }

  private static boolean isRetried(DriverException error) {
    return innermost(error).noneMatch(QueryValidationException.class::isInstance);
  }

  /** Version 5 of the protocol tells the reason (1), version 4 only that replicas have failed. */
  static boolean isTombstones(Throwable error) {
    if (!(error instanceof ReadFailureException failure)) return false;
    return failure.getReasonMap().isEmpty() || failure.getReasonMap().containsValue(1);
  }

  private static boolean mayApply(DriverException error) {
    if (error instanceof NoNodeAvailableException || error instanceof RequestThrottlingException) return false;
    return innermost(error).anyMatch(each -> !(each instanceof UnavailableException
        || each instanceof QueryValidationException
        || each instanceof BootstrappingException
        || each instanceof BusyConnectionException));
  }

  /** The errors of each node that was tried. */
  private static Stream<Throwable> innermost(Throwable error) {
    if (!(error instanceof AllNodesFailedException all)) return Stream.of(error);
    return all.getAllErrors().values().stream().flatMap(List::stream).flatMap(RetryingSession::innermost);
  }

  private static Code codeOf(DriverException error) {
    if (error instanceof ClosedConnectionException) return Code.UNAVAILABLE;
    for (Throwable each : innermost(error).toList()) {
      if (each instanceof DriverTimeoutException || each instanceof WriteTimeoutException || each instanceof ReadTimeoutException)
        return Code.TIMEOUT;
      if (each instanceof OverloadedException || each instanceof BusyConnectionException) return Code.OVERLOADED;
      if (each instanceof QueryValidationException) return codeOfRefusal(String.valueOf(each.getMessage()));
    }
    return error instanceof RequestThrottlingException ? Code.OVERLOADED : Code.UNAVAILABLE;
  }

  private static Code codeOfRefusal(String message) {
    String text = message.toLowerCase(Locale.ROOT);
    if (Stream.of("does not exist", "unconfigured table", "undefined column").anyMatch(text::contains))
      return Code.SCHEMA_MISMATCH;
    return text.contains("too large") || text.contains("max_mutation_size") ? Code.TOO_LARGE : Code.UNAVAILABLE;
  }
}
