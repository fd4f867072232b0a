package io.github.taskledger.worker;

/** What went wrong. The words are the same in every language. */
public enum Code {
  /** The thread was interrupted. */
  ABORTED,
  /** The claim has ended: the lease was over, and another may have the task. */
  CLAIM_LOST,
  /** This host's clock is off. */
  CLOCK_SKEW,
  /** The session has been closed. */
  CLOSED,
  /** A type has a handler already. */
  DUPLICATE_TYPE,
  /** An option is out of range. */
  INVALID_ARGUMENT,
  /** Bytes are no batch. */
  INVALID_BATCH,
  /** Bytes are no task, or a task breaks the protocol's rules. */
  INVALID_ENVELOPE,
  /** JSON is no task. */
  INVALID_HASH,
  /** A task list or an id is empty, too long, or no text. */
  INVALID_KEY,
  /** A task has no version: its bytes were taken before it was saved. */
  NOT_SAVED,
  /** The store is too busy. */
  OVERLOADED,
  /** This client can't work with the keyspace. */
  SCHEMA_MISMATCH,
  /** There was no answer in time. */
  TIMEOUT,
  /** A task, a batch or a frame is over the limit. */
  TOO_LARGE,
  /** A stream ended inside of a frame. */
  TRUNCATED,
  /** The store can't be reached, or refuses. */
  UNAVAILABLE,
  /** JSON is of a type that is not known here. */
  UNKNOWN_TYPE
}
