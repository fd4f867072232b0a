package io.github.taskledger.worker;

/** An error with a stable code. {@link InvalidTaskException} and {@link StoreException} are the two kinds of it. */
public abstract sealed class TaskException extends RuntimeException permits InvalidTaskException, StoreException {
  private static final long serialVersionUID = 1;

  private final Code code;

  TaskException(Code code, String reason, Throwable cause) {
    super(code + ": " + reason, cause);
    this.code = code;
  }

  /**
   * What went wrong.
   *
   * @return the code
   */
  public Code code() {
    return code;
  }
}
