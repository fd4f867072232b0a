package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.time.Duration;
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

  /**
   * See {@link Store#claim}.
   *
   * @param envelope what is to be done
   * @param owner who claims
   * @param lease how long the claim lasts
   * @return the claim, if it is granted
   */
  public CompletableFuture<Optional<Claim>> claim(TaskEnvelope envelope, String owner, Duration lease) {
    return CompletableFuture.supplyAsync(() -> store.claim(envelope, owner, lease), executor);
  }

  /**
   * See {@link Store#renew}.
   *
   * @param claim what was granted
   * @param lease how long it lasts from now
   * @return the claim with its new end
   */
  public CompletableFuture<Claim> renew(Claim claim, Duration lease) {
    return CompletableFuture.supplyAsync(() -> store.renew(claim, lease), executor);
  }

  /**
   * See {@link Store#release}.
   *
   * @param claim what was granted
   * @param retryIn how long nobody may claim the task
   * @return when it is released
   */
  public CompletableFuture<Void> release(Claim claim, Duration retryIn) {
    return CompletableFuture.runAsync(() -> store.release(claim, retryIn), executor);
  }

  /**
   * See {@link Store#forget}.
   *
   * @param claim what was granted
   * @return when it is forgotten
   */
  public CompletableFuture<Void> forget(Claim claim) {
    return CompletableFuture.runAsync(() -> store.forget(claim), executor);
  }

  /**
   * See {@link Store#claimState}.
   *
   * @param taskList its list
   * @param id its id
   * @return what is remembered of the claims to it
   */
  public CompletableFuture<Optional<ClaimState>> claimState(String taskList, String id) {
    return CompletableFuture.supplyAsync(() -> store.claimState(taskList, id), executor);
  }
}
