package io.github.taskledger.worker;

/** Bytes, JSON or an argument that was refused; nothing has happened. */
public final class InvalidTaskException extends TaskException {
  private static final long serialVersionUID = 1;

  /**
   * Makes an error without a cause.
   *
   * @param code what went wrong
   * @param reason for people
   */
  public InvalidTaskException(Code code, String reason) {
    this(code, reason, null);
  }

  /**
   * Makes an error.
   *
   * @param code what went wrong
   * @param reason for people
   * @param cause what was thrown, or null
   */
  public InvalidTaskException(Code code, String reason, Throwable cause) {
    super(code, reason, cause);
  }
}
