package io.github.taskledger.worker;

import com.google.protobuf.Message;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
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
  static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final Map<String, AsyncHandler<Message>> handlers = new HashMap<>();
  private final Map<String, Message> types = new HashMap<>();
  private final Set<String> unknown = ConcurrentHashMap.newKeySet();
  private final Store store;
  private final Consumer<TaskEnvelope> complete;
  private TaskTypes known = new TaskTypes();
  private int concurrency = 1;
  private volatile boolean isStopped;

  /**
   * A worker that completes tasks in a store, and claims them there.
   *
   * @param store the store
   */
  public Worker(Store store) {
    this(store, store::complete);
  }

  /**
   * A worker that completes tasks otherwise, and claims none.
   *
   * @param complete is called for each task that was done
   */
  public Worker(Consumer<TaskEnvelope> complete) {
    this(null, complete);
  }

  private Worker(Store store, Consumer<TaskEnvelope> complete) {
    this.store = store;
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

  /** Begins no more tasks, and tells the handlers that run: see {@link Context#isCancelled}. */
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
    return await(handleAsync(envelope));
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
      Optional<Message> data = dataOf(envelope);
      if (data.isEmpty()) return CompletableFuture.completedFuture(false);
      return then(begin(data.get(), new Context(envelope, Optional.empty(), () -> isStopped)), error -> {
        if (error != null) throw error;
        complete.accept(envelope);
        return true;
      });
    } catch (Throwable failed) {
      return CompletableFuture.failedFuture(failed);
    }
  }

  /**
   * Does a task that a queue delivered, or that was found, under a claim, so that no two workers do one at the same time. The
   * claim is renewed while the handler runs. A task that fails may be claimed again after a while; one that fails as often as
   * it may is given up: it is moved to the dead-letter list or, without one, stays open and is passed over until more attempts
   * are allowed, a list is named, or it is saved again.
   *
   * @param envelope the task
   * @param options how it is claimed, tried again and given up
   * @return what came of it
   * @throws InvalidTaskException NOT_SAVED, INVALID_ARGUMENT
   * @throws StoreException if it can't be claimed, or not be completed once it is done; the claim expires then
   */
  public Result perform(TaskEnvelope envelope, PerformOptions options) {
    try {
      return await(performAsync(envelope, options));
    } catch (RuntimeException failed) {
      throw failed;
    } catch (Exception checked) { // of a store in another JVM language
      throw new CompletionException(checked);
    }
  }

  /**
   * Does a task under a claim, without holding the thread while an asynchronous handler waits.
   *
   * @param envelope the task
   * @param options how it is claimed, tried again and given up
   * @return what came of it, as {@link #perform} says
   */
  public CompletableFuture<Result> performAsync(TaskEnvelope envelope, PerformOptions options) {
    try {
      Store claiming = claimingStore();
      Optional<Message> data = dataOf(envelope);
      if (data.isEmpty()) return CompletableFuture.completedFuture(Result.PASSED_OVER);
      return Attempt.begin(claiming, envelope, options)
          .map(attempt -> perform(attempt, envelope, data.get()))
          .orElseGet(() -> CompletableFuture.completedFuture(Result.PASSED_OVER));
    } catch (Throwable failed) {
      return CompletableFuture.failedFuture(failed);
    }
  }

  private CompletableFuture<Result> perform(Attempt attempt, TaskEnvelope envelope, Message data) {
    Context context = new Context(envelope, Optional.of(attempt.claim()), () -> isStopped || attempt.isLost());
    CompletionStage<?> done =
        attempt.comesTooLate() ? CompletableFuture.completedFuture(null) : begin(data, context);
    return then(done, error -> attempt.end(error, context.isCancelled().getAsBoolean()));
  }

  private Store claimingStore() {
    if (store != null) return store;
    throw new InvalidTaskException(Code.INVALID_ARGUMENT, "this worker has no store, in which to claim tasks");
  }

  /** The data that a handler gets; empty, which is logged, if there is no handler or the data does not decode. */
  private Optional<Message> dataOf(TaskEnvelope envelope) {
    Optional<Message> data = Envelopes.decodeData(envelope, known);
    if (data.isEmpty()) tellPassedOver(envelope);
    return data;
  }

  /** Calls the handler. What it throws fails the stage; an Error, too: if it ended the thread, a run would wait for ever. */
  private CompletionStage<?> begin(Message data, Context context) {
    try {
      CompletionStage<?> done = handlers.get(Envelopes.typeOf(context.envelope())).handle(data, context);
      return Objects.requireNonNull(done, "its handler returned null");
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return CompletableFuture.failedFuture(interrupted);
    } catch (Throwable failed) {
      return CompletableFuture.failedFuture(failed);
    }
  }

  /** What is done once a handler has ended; the error is null if it went well. */
  @FunctionalInterface
  private interface Ending<T> {
    T after(Throwable error) throws Throwable;
  }

  /** Uses only stages of handle: others wrap the failure, which calls its getMessage; if that throws, they never complete. */
  private static <T> CompletableFuture<T> then(CompletionStage<?> done, Ending<T> ending) {
    CompletableFuture<T> ended = new CompletableFuture<>();
    BiFunction<Object, Throwable, Boolean> end = (result, error) -> {
      try {
        return ended.complete(ending.after(unwrapped(error)));
      } catch (Throwable failed) {
        return ended.completeExceptionally(failed);
      }
    };
    try {
      // Not in the thread that ends it later: that may be the driver's own, which the store's answers need.
      if (done instanceof CompletableFuture<?> now && now.isDone()) done.handle(end);
      else done.handleAsync(end, Threads.WAITING);
    } catch (Throwable noStage) {
      end.apply(null, noStage);
    }
    return ended;
  }

  /** Waits. Throws what it failed with, as it is, if it may be thrown. */
  private static <T> T await(CompletableFuture<T> done) throws Exception {
    Throwable[] failure = {null};
    T result = done.handle((value, error) -> {
      failure[0] = error;
      return value;
    }).join();
    if (failure[0] instanceof Exception cause) throw cause;
    if (failure[0] instanceof Error cause) throw cause;
    if (failure[0] != null) throw new CompletionException(failure[0]);
    return result;
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
    try (Run run = newRun(this::tryAsync)) {
      Optional<byte[]> frame;
      while (run.goesOn() && (frame = Frames.read(stream, Frames.MAX_FRAME_BYTES)).isPresent()) run.take(frame.get());
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
    return runAll(tasks, this::tryAsync);
  }

  /**
   * Does what others left: the open tasks of a list, in one pass, each as {@link #perform} does it. Any number of processes may.
   *
   * @param taskList the list
   * @param olderThan passes over what was saved less long ago, and may be in some worker's hands
   * @param options how tasks are claimed, tried again and given up
   * @return what came of them
   * @throws InvalidTaskException INVALID_KEY, INVALID_ARGUMENT
   * @throws StoreException which ends the pass, after the handlers that run have ended; a later pass may succeed
   * @throws InterruptedException if this thread was, after the handlers that run have ended
   */
  public Summary recover(String taskList, Duration olderThan, PerformOptions options) throws InterruptedException {
    Envelopes.checkKey("taskList", taskList, Code.INVALID_KEY);
    if (olderThan.isNegative())
      throw new InvalidTaskException(Code.INVALID_ARGUMENT, "olderThan must not be negative, and is " + olderThan);
    try (Stream<TaskEnvelope> open = claimingStore().openTasks(taskList, olderThan)) {
      return runAll(open, envelope -> performAsync(envelope, options));
    }
  }

  private Summary runAll(Stream<TaskEnvelope> tasks, Function<TaskEnvelope, CompletableFuture<Result>> act)
      throws InterruptedException {
    try (Run run = newRun(act)) {
      for (var each = tasks.iterator(); run.goesOn() && each.hasNext(); ) run.take(each.next());
      return run.end();
    }
  }

  private Run newRun(Function<TaskEnvelope, CompletableFuture<Result>> act) {
    return new Run(concurrency, () -> isStopped, act);
  }

  /** Does a task that was handed over; what fails is logged. */
  private CompletableFuture<Result> tryAsync(TaskEnvelope envelope) {
    return handleAsync(envelope).handle((isDone, error) -> {
      if (error == null) return isDone ? Result.COMPLETED : Result.PASSED_OVER;
      tell(nameOf(envelope) + " failed; it stays open", error);
      return Result.FAILED;
    });
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
  static void tell(String what, Throwable failure) {
    try {
      LOG.error(what, failure);
    } catch (Throwable noMessage) {
      LOG.error("{}: {}, whose message can't be read", what, failure.getClass().getName());
    }
  }

  static String nameOf(TaskEnvelope envelope) {
    return "task \"" + envelope.getId() + "\" of \"" + envelope.getTaskList() + '"';
  }
}
