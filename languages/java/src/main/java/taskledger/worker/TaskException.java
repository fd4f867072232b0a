package taskledger.worker;

/** An error with a stable code. */
public final class TaskException extends RuntimeException {
  private final String code;
  private final boolean mayApply;

  public TaskException(String code, String reason) {
    this(code, reason, false, null);
  }

  public TaskException(String code, String reason, boolean mayApply, Throwable cause) {
    super(code + ": " + reason, cause);
    this.code = code;
    this.mayApply = mayApply;
  }

  public String code() {
    return code;
  }

  /** Whether a write may have been applied all the same. */
  public boolean mayApply() {
    return mayApply;
  }
}
