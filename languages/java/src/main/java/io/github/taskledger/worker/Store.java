package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Saves, finds, lists, claims and completes tasks. Every method may be called by many threads at once, and throws {@link
 * StoreException}: UNAVAILABLE, TIMEOUT, OVERLOADED, CLOSED, and ABORTED if the thread is interrupted.
 */
public interface Store {
  /**
   * Saves a task durably; its envelope then has the version. An open task of the same list and id is replaced.
   *
   * @param task if the error may have been applied, it has the version that it may have been saved as
   * @throws InvalidTaskException INVALID_ENVELOPE, TOO_LARGE
   * @throws StoreException CLOCK_SKEW, and as above
   */
  void save(Task task);

  /**
   * Removes the version that the envelope has, and older ones, never a later one.
   *
   * @param envelope what was done
   * @throws InvalidTaskException NOT_SAVED
   * @throws StoreException as above
   */
  void complete(TaskEnvelope envelope);

  /**
   * Finds an open task.
   *
   * @param taskList its list
   * @param id its id
   * @return empty if there is none
   * @throws StoreException as above
   */
  Optional<TaskEnvelope> find(String taskList, String id);

  /**
   * The open tasks of a list, oldest first.
   *
   * @param taskList the list
   * @return the tasks, as {@link #openTasks(String, Duration)} gives them
   */
  default Stream<TaskEnvelope> openTasks(String taskList) {
    return openTasks(taskList, Duration.ZERO);
  }

  /**
   * The open tasks of a list, oldest first, read as they are asked for, at most 500 and 4 MiB at once. One whose stored bytes
   * are damaged comes as a DamagedTask.
   *
   * @param taskList the list
   * @param olderThan leaves out what was saved less long ago, but for tasks that a wrong clock saved, which may be of any age
   * @return the tasks; the stream throws {@link StoreException}
   */
  Stream<TaskEnvelope> openTasks(String taskList, Duration olderThan);

  /**
   * Claims the envelope's version for a while. A claim whose outcome is unknown counts as not granted: it expires if it was.
   *
   * @param envelope what is to be done
   * @param owner who claims, such as {@link Claim#newOwner}; an owner takes over from itself
   * @param lease how long the claim lasts, unless it is renewed
   * @return empty if another has it, it waits to be tried again, or it is not open any more
   * @throws InvalidTaskException NOT_SAVED, INVALID_ARGUMENT
   * @throws StoreException CLOCK_SKEW, and as above
   */
  Optional<Claim> claim(TaskEnvelope envelope, String owner, Duration lease);

  /**
   * Makes a lease last from now.
   *
   * @param claim what was granted
   * @param lease how long it lasts from now
   * @return the claim with its new end
   * @throws InvalidTaskException INVALID_ARGUMENT
   * @throws StoreException CLAIM_LOST if it has ended, or the task is another's by now; CLOCK_SKEW, and as above
   */
  Claim renew(Claim claim, Duration lease);

  /**
   * Ends a claim.
   *
   * @param claim what was granted
   * @param retryIn how long nobody may claim the task
   * @throws StoreException as above
   */
  void release(Claim claim, Duration retryIn);

  /**
   * Ends the claim of a task that has been completed under it.
   *
   * @param claim what was granted
   * @throws StoreException as above
   */
  void forget(Claim claim);

  /**
   * What is remembered of the claims to a task, as it was some moment ago.
   *
   * @param taskList its list
   * @param id its id
   * @return empty if nothing is
   * @throws StoreException as above
   */
  Optional<ClaimState> claimState(String taskList, String id);
}
