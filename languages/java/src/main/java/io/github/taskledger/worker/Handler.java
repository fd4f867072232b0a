package io.github.taskledger.worker;

import com.google.protobuf.Message;

/**
 * Does tasks of a type.
 *
 * @param <M> the message of their data
 */
@FunctionalInterface
public interface Handler<M extends Message> {
  /**
   * Does one task.
   *
   * @param data what is to be done
   * @param context the task
   * @throws Exception leaves the task open, to be done again
   */
  void handle(M data, Context context) throws Exception;
}
