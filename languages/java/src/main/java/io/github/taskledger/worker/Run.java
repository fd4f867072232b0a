package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/** One call of run or recover: takes no more tasks than there are handlers at once. */
final class Run implements AutoCloseable {
  private final int concurrency;
  private final BooleanSupplier isStopped;
  private final Function<TaskEnvelope, CompletableFuture<Result>> act;
  private final ExecutorService executor;
  private final Semaphore free;
  private final Map<Result, AtomicInteger> counts = new EnumMap<>(Result.class);
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private int unread;
  private boolean wasInterrupted;

  /** {@code act} does a task; where it fails, no more are begun. */
  Run(int concurrency, BooleanSupplier isStopped, Function<TaskEnvelope, CompletableFuture<Result>> act) {
    this.concurrency = concurrency;
    this.isStopped = isStopped;
    this.act = act;
    this.executor = Executors.newFixedThreadPool(concurrency);
    this.free = new Semaphore(concurrency);
    for (Result each : Result.values()) counts.put(each, new AtomicInteger());
  }

  boolean goesOn() {
    return !isStopped.getAsBoolean() && !wasInterrupted && failure.get() == null;
  }

  void take(byte[] frame) throws InterruptedException {
    try {
      Frames.tasks(frame, this::takeOne);
    } catch (InvalidTaskException error) {
      unread++;
      Worker.LOG.error("a frame of {} bytes can't be read: {}", frame.length, error.getMessage());
    }
    checkInterrupted();
  }

  void take(TaskEnvelope envelope) throws InterruptedException {
    takeOne(envelope);
    checkInterrupted();
  }

  private void takeOne(TaskEnvelope envelope) {
    if (!goesOn()) return;
    try {
      free.acquire();
    } catch (InterruptedException interrupted) {
      wasInterrupted = true;
      return;
    }
    if (goesOn()) executor.execute(() -> act.apply(envelope).handle(this::settle));
    else free.release();
  }

  private Void settle(Result result, Throwable error) {
    if (error == null) counts.get(result).incrementAndGet();
    else failure.compareAndSet(null, error);
    free.release();
    return null;
  }

  private void checkInterrupted() throws InterruptedException {
    if (wasInterrupted) throw new InterruptedException();
  }

  /** Waits for the handlers that run. Throws what {@code act} failed with. */
  Summary end() throws InterruptedException {
    free.acquire(concurrency);
    free.release(concurrency);
    Throwable error = failure.get();
    if (error instanceof RuntimeException cause) throw cause;
    if (error instanceof Error cause) throw cause;
    if (error != null) throw new CompletionException(error);
    return new Summary(
        count(Result.COMPLETED), count(Result.FAILED), count(Result.PASSED_OVER), count(Result.GIVEN_UP), unread);
  }

  private int count(Result result) {
    return counts.get(result).get();
  }

  /** Waits for the handlers that run. */
  @Override
  public void close() {
    free.acquireUninterruptibly(concurrency);
    executor.shutdown();
  }
}
