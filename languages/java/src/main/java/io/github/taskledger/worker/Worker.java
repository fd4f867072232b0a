package io.github.taskledger.worker;

import com.google.protobuf.Message;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does tasks, each by the handler of its type, and completes those that were done.
 *
 * <pre>{@code
 * Summary summary = new Worker(store)
 *     .concurrency(4)
 *     .does(FetchFile.getDefaultInstance(), (file, context) -> fetch(file))
 *     .run(System.in);
 * }</pre>
 *
 * <p>It may be used by many threads at once, once it has its handlers.
 */
public final class Worker {
  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final Map<String, AsyncHandler<Message>> handlers = new HashMap<>();
  private final Map<String, Message> types = new HashMap<>();
  private final Set<String> unknown = ConcurrentHashMap.newKeySet();
  private final Consumer<TaskEnvelope> complete;
  private TaskTypes known = new TaskTypes();
  private int concurrency = 1;
  private volatile boolean isStopped;

  /**
   * A worker that completes tasks in a store.
   *
   * @param store the store
   */
  public Worker(Store store) {
    this(store::complete);
  }

  /**
   * A worker that completes tasks otherwise.
   *
   * @param complete is called for each task that was done
   */
  public Worker(Consumer<TaskEnvelope> complete) {
    this.complete = complete;
  }

  /**
   * How many handlers run at once; 1 by default.
   *
   * @param count at least 1
   * @return this worker
   * @throws InvalidTaskException INVALID_ARGUMENT
   */
  public Worker concurrency(int count) {
    if (count < 1) throw new InvalidTaskException(Code.INVALID_ARGUMENT, "concurrency must be at least 1, and is " + count);
    concurrency = count;
    return this;
  }

  /**
   * Gives the tasks of a type to a handler.
   *
   * @param <M> the type's message
   * @param type one of it, such as its default instance
   * @param handler does them
   * @return this worker
   * @throws InvalidTaskException DUPLICATE_TYPE
   */
  public <M extends Message> Worker does(M type, Handler<? super M> handler) {
    return doesAsync(type, (data, context) -> {
      handler.handle(data, context);
      return CompletableFuture.completedFuture(null);
    });
  }

  /**
   * Gives the tasks of a type to a handler that holds no thread while it waits.
   *
   * @param <M> the type's message
   * @param type one of it, such as its default instance
   * @param handler does them
   * @return this worker
   * @throws InvalidTaskException DUPLICATE_TYPE
   */
  @SuppressWarnings("unchecked")
  public <M extends Message> Worker doesAsync(M type, AsyncHandler<? super M> handler) {
    String name = type.getDescriptorForType().getFullName();
    if (types.putIfAbsent(name, type) != null)
      throw new InvalidTaskException(Code.DUPLICATE_TYPE, name + " has a handler already");
    known = new TaskTypes(types.values().toArray(Message[]::new));
    handlers.put(name, (data, context) -> handler.handle((M) data, context));
    return this;
  }

  /** Begins no more tasks. */
  public void stop() {
    isStopped = true;
  }

  /**
   * Does a task and completes it.
   *
   * @param envelope the task
   * @return whether it is done; false if nobody here can, and it stays open
   * @throws InvalidTaskException NOT_SAVED
   * @throws Exception what the handler throws, or the store when the task is completed
   */
  public boolean handle(TaskEnvelope envelope) throws Exception {
    Throwable[] failure = {null};
    Boolean isDone = handleAsync(envelope).handle((done, error) -> {
      failure[0] = error == null ? null : unwrapped(error);
      return done;
    }).join();
    if (failure[0] instanceof Exception cause) throw cause;
    if (failure[0] instanceof Error cause) throw cause;
    if (failure[0] != null) throw new CompletionException(failure[0]);
    return isDone;
  }

  /**
   * Does a task and completes it, without holding the thread while an asynchronous handler waits.
   *
   * @param envelope the task
   * @return whether it is done, as {@link #handle} says
   */
  public CompletableFuture<Boolean> handleAsync(TaskEnvelope envelope) {
    try {
      Envelopes.savedVersion(envelope);
      Optional<Message> data = Envelopes.decodeData(envelope, known);
      if (data.isEmpty()) {
        tellPassedOver(envelope);
        return CompletableFuture.completedFuture(false);
      }
      Context context = new Context(envelope, () -> isStopped);
      return completed(envelope, handlers.get(Envelopes.typeOf(envelope)).handle(data.get(), context));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return CompletableFuture.failedFuture(interrupted);
    } catch (Throwable failed) { // an Error, too, fails this task only: if it ended the thread, a run would wait for ever
      return CompletableFuture.failedFuture(failed);
    }
  }

  /** Uses only handle: other stages wrap the failure, which calls its getMessage; if that throws, they never complete. */
  private CompletableFuture<Boolean> completed(TaskEnvelope envelope, CompletionStage<?> done) {
    CompletableFuture<Boolean> completed = new CompletableFuture<>();
    done.handle((result, error) -> {
      if (error != null) return completed.completeExceptionally(error);
      try {
        complete.accept(envelope);
        return completed.complete(true);
      } catch (Throwable failed) {
        return completed.completeExceptionally(failed);
      }
    });
    return completed;
  }

  private static Throwable unwrapped(Throwable error) {
    return error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
  }

  /**
   * Does the tasks of a stream of frames, up to its end. A task that fails, is of an unknown type, or was never saved, and a
   * frame that can't be read, are logged and counted, and keep nobody else from being done.
   *
   * @param stream frames, each an envelope or a batch
   * @return what came of them
   * @throws InvalidTaskException TRUNCATED, TOO_LARGE, after what came before is done
   * @throws IOException what the stream throws
   * @throws InterruptedException if this thread was, after the handlers that run have ended
   */
  public Summary run(InputStream stream) throws IOException, InterruptedException {
    try (Run run = new Run()) {
      Optional<byte[]> frame;
      while (!isStopped && (frame = Frames.read(stream, Frames.MAX_FRAME_BYTES)).isPresent()) run.take(frame.get());
      return run.end();
    }
  }

  /**
   * Does tasks, such as the open ones of a list, as {@link #run(InputStream)} does those of a stream.
   *
   * @param tasks the tasks
   * @return what came of them
   * @throws InterruptedException if this thread was, after the handlers that run have ended
   */
  public Summary run(Stream<TaskEnvelope> tasks) throws InterruptedException {
    try (Run run = new Run()) {
      for (var each = tasks.iterator(); !isStopped && each.hasNext(); ) run.take(each.next());
      return run.end();
    }
  }

  /** Unknown types are told of once, other problems each time. */
  private void tellPassedOver(TaskEnvelope envelope) {
    String type = Envelopes.typeOf(envelope);
    if (Envelopes.isDamaged(envelope))
      LOG.error("{} is passed over: its store holds bytes that are no task", nameOf(envelope));
    else if (types.containsKey(type)) LOG.error("{} is passed over: its data is no {}", nameOf(envelope), type);
    else if (unknown.add(type)) LOG.warn("tasks of type {} are passed over: there is no handler for it", type);
  }

  /** Loggers call getMessage, which may throw. */
  private static void tellFailed(TaskEnvelope envelope, Throwable failure) {
    try {
      LOG.error("{} failed; it stays open", nameOf(envelope), failure);
    } catch (Throwable noMessage) {
      LOG.error("{} failed; it stays open: {}, whose message can't be read", nameOf(envelope), failure.getClass().getName());
    }
  }

  private static String nameOf(TaskEnvelope envelope) {
    return "task \"" + envelope.getId() + "\" of \"" + envelope.getTaskList() + '"';
  }

  /** One call of run: takes no more tasks than there are handlers at once. */
  private final class Run implements AutoCloseable {
    private final ExecutorService executor = Executors.newFixedThreadPool(concurrency);
    private final Semaphore free = new Semaphore(concurrency);
    private final AtomicInteger completed = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicInteger passedOver = new AtomicInteger();
    private int unread;
    private boolean wasInterrupted;

    void take(byte[] frame) throws InterruptedException {
      try {
        Frames.tasks(frame, this::takeOne);
      } catch (InvalidTaskException error) {
        unread++;
        LOG.error("a frame of {} bytes can't be read: {}", frame.length, error.getMessage());
      }
      checkInterrupted();
    }

    void take(TaskEnvelope envelope) throws InterruptedException {
      takeOne(envelope);
      checkInterrupted();
    }

    private void takeOne(TaskEnvelope envelope) {
      if (wasInterrupted || isStopped) return;
      try {
        free.acquire();
      } catch (InterruptedException interrupted) {
        wasInterrupted = true;
        return;
      }
      if (isStopped) free.release();
      else executor.execute(() -> handleAsync(envelope).handle((isDone, error) -> settle(envelope, isDone, error)));
    }

    private Void settle(TaskEnvelope envelope, Boolean isDone, Throwable error) {
      try {
        (error != null ? failed : isDone ? completed : passedOver).incrementAndGet();
        if (error != null) tellFailed(envelope, unwrapped(error));
      } finally {
        free.release();
      }
      return null;
    }

    private void checkInterrupted() throws InterruptedException {
      if (wasInterrupted) throw new InterruptedException();
    }

    Summary end() throws InterruptedException {
      free.acquire(concurrency);
      free.release(concurrency);
      return new Summary(completed.get(), failed.get(), passedOver.get(), unread);
    }

    /** Waits for the handlers that run. */
    @Override
    public void close() {
      free.acquireUninterruptibly(concurrency);
      executor.shutdown();
    }
  }
}
