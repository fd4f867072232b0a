package io.github.taskledger.worker;

import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/** Threads that wait for a store where the caller's must not. They are there only while they are needed. */
final class Threads {
  /** Not one for all: while a store does not answer, each waits for it. */
  static final Executor WAITING = Executors.newCachedThreadPool(task -> {
    Thread thread = new Thread(task, "taskledger");
    thread.setDaemon(true);
    return thread;
  });

  private Threads() {}
}
