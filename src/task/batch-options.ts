export interface BatchOptions {
  /**
   * The largest batch, in bytes. By default 4 KiB more than the largest task, so that each fits: 1,052,672, unless the
   * data interface has another `maxTaskBytes`.
   */
  readonly maxBatchBytes?: number | undefined;
}

export interface FrameOptions extends BatchOptions {
  /** Ends it with ABORTED; the source is let go. */
  readonly signal?: AbortSignal | undefined;
}
