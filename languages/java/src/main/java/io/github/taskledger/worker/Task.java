package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.util.List;

/** A task that is to be saved, and the versions that saves of unknown outcome may have left behind it. */
public final class Task {
  private TaskEnvelope envelope;
  private List<Long> replaced;
  private final int limit;

  /**
   * A task that has been read, or is new.
   *
   * @param envelope what it is
   */
  public Task(TaskEnvelope envelope) {
    this(envelope, List.of());
  }

  /**
   * A task whose last save may have been applied, or not.
   *
   * @param envelope what it is
   * @param replaced the versions that it replaces, beside that of the envelope
   */
  public Task(TaskEnvelope envelope, List<Long> replaced) {
    this(envelope, replaced, Envelopes.MAX_TASK_BYTES);
  }

  /**
   * A task that may be of another size.
   *
   * @param envelope what it is
   * @param replaced the versions that it replaces, beside that of the envelope
   * @param limit the most bytes that its envelope may have
   */
  public Task(TaskEnvelope envelope, List<Long> replaced, int limit) {
    this.envelope = envelope;
    this.replaced = List.copyOf(replaced);
    this.limit = limit;
  }

  /**
   * What it is, with the version at which it was saved.
   *
   * @return the envelope
   */
  public synchronized TaskEnvelope envelope() {
    return envelope;
  }

  /**
   * The versions that saves of unknown outcome may have left.
   *
   * @return none after a save that was acknowledged
   */
  public synchronized List<Long> replaced() {
    return replaced;
  }

  /**
   * For stores: what must not be saved is larger.
   *
   * @return the most bytes that the envelope may have
   */
  public int limit() {
    return limit;
  }

  /**
   * For stores: what the task is after a save.
   *
   * @param envelope with the new version
   * @param replaced the versions that may be left
   */
  public synchronized void adopt(TaskEnvelope envelope, List<Long> replaced) {
    this.envelope = envelope;
    this.replaced = List.copyOf(replaced);
  }
}
