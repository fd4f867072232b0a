package io.github.taskledger.worker;

/** What came of a task. */
public enum Result {
  /** It is done. */
  COMPLETED,
  /** Its handler threw, or it could not be completed. It stays open. */
  FAILED,
  /** Nobody here can do it, another has it, or it was given up before. It stays open. */
  PASSED_OVER,
  /** It has been tried as often as it may be: it is in the dead-letter list now or, without one, stays open. */
  GIVEN_UP
}
