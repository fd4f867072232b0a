package io.github.taskledger.worker;

/** A store could not do it, or did not say that it did. */
public final class StoreException extends TaskException {
  private static final long serialVersionUID = 1;

  private final boolean mayApply;

  /**
   * Makes an error.
   *
   * @param code what went wrong
   * @param reason for people
   * @param mayApply whether a write may have been applied all the same
   * @param cause what was thrown, or null
   */
  public StoreException(Code code, String reason, boolean mayApply, Throwable cause) {
    super(code, reason, cause);
    this.mayApply = mayApply;
  }

  /**
   * Whether a write may have been applied all the same. Saving or completing again is always safe.
   *
   * @return false if it surely was not
   */
  public boolean mayApply() {
    return mayApply;
  }
}
