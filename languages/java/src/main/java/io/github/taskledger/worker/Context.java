package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.util.function.BooleanSupplier;

/**
 * What a handler is told beside the data.
 *
 * @param envelope the task
 * @param isCancelled whether the worker has been stopped: a handler that takes long should ask
 */
public record Context(TaskEnvelope envelope, BooleanSupplier isCancelled) {}
