package io.github.taskledger.worker;

import com.google.protobuf.Message;
import java.util.concurrent.CompletionStage;

/**
 * Does tasks of a type without holding a thread.
 *
 * @param <M> the message of their data
 */
@FunctionalInterface
public interface AsyncHandler<M extends Message> {
  /**
   * Begins to do one task.
   *
   * @param data what is to be done
   * @param context the task
   * @return completes once it is done; exceptionally, it leaves the task open, to be done again
   * @throws Exception leaves the task open, too
   */
  CompletionStage<?> handle(M data, Context context) throws Exception;
}
