package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Saves, finds, lists and completes tasks. Every method may be called by many threads at once, and throws {@link
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
}
