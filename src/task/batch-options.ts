/** The limit of a batch. */
export interface BatchOptions {
  /**
   * Maximum size of a batch, in bytes.
   *
   * @defaultValue `maxTaskBytes` of the data interface plus 4 KiB, so that every task fits: 1,052,672
   */
  readonly maxBatchBytes?: number | undefined;
}

/** Options of streams of frames. */
export interface FrameOptions extends BatchOptions {
  /** Aborted: the stream fails with ABORTED, and the source is closed. */
  readonly signal?: AbortSignal | undefined;
}
