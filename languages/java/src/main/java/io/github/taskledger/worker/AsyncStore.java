package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** A store whose calls do not hold up the caller's thread. What they throw completes the future exceptionally. */
public final class AsyncStore {
  private final Store store;
  private final Executor executor;

  /**
   * Calls a store in another's threads.
   *
   * @param store the store
   * @param executor runs its calls
   */
  public AsyncStore(Store store, Executor executor) {
    this.store = store;
    this.executor = executor;
  }

  /**
   * See {@link Store#save}.
   *
   * @param task the task
   * @return the task, once it is saved
   */
  public CompletableFuture<Task> save(Task task) {
    return CompletableFuture.runAsync(() -> store.save(task), executor).thenApply(done -> task);
  }

  /**
   * See {@link Store#complete}.
   *
   * @param envelope what was done
   * @return when it is completed
   */
  public CompletableFuture<Void> complete(TaskEnvelope envelope) {
    return CompletableFuture.runAsync(() -> store.complete(envelope), executor);
  }

  /**
   * See {@link Store#find}.
   *
   * @param taskList its list
   * @param id its id
   * @return the task
   */
  public CompletableFuture<Optional<TaskEnvelope>> find(String taskList, String id) {
    return CompletableFuture.supplyAsync(() -> store.find(taskList, id), executor);
  }
}
