package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * What a handler is told beside the data.
 *
 * @param envelope the task
 * @param claim the claim under which it runs; empty if the task was handed over
 * @param isCancelled whether the worker has been stopped, or the claim lost: a handler that takes long should ask
 */
public record Context(TaskEnvelope envelope, Optional<Claim> claim, BooleanSupplier isCancelled) {
  /**
   * Which attempt at the task this is.
   *
   * @return the number of claims to it so far, as far as is known
   */
  public int attempt() {
    return claim.map(Claim::attempt).orElse(envelope.getAttempt());
  }
}
