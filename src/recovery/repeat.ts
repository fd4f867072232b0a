import { onAbort } from "../core/abort.js";
import { isTaskError, type TaskError, type TaskErrorCode } from "../core/errors.js";

/** What may pass by itself; after it, the next pass tries again. */
const passing: readonly TaskErrorCode[] = ["UNAVAILABLE", "TIMEOUT", "OVERLOADED", "CLOCK_SKEW"];

export interface RepeatOptions {
  /** The pause between two passes, in milliseconds; without it there is one pass. */
  readonly every: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called if the store did not answer, and resolves to whether to go on. */
  readonly onStoreFailed: (error: TaskError) => Promise<boolean>;
}

/**
 * Makes passes until one says that it is enough, or the signal is aborted, which is no error. Throws what a pass throws, but
 * what may have passed by the next.
 */
export async function repeat(pass: () => Promise<boolean>, options: RepeatOptions): Promise<void> {
  const { every, signal, onStoreFailed } = options;
  while (!signal?.aborted) {
    try {
      if (!(await pass())) return;
    } catch (error) {
      if (signal?.aborted && isTaskError(error, "ABORTED")) return;
      if (every === undefined || !isTaskError(error) || !passing.includes(error.code)) throw error;
      if (!(await onStoreFailed(error))) return;
    }
    if (every === undefined) return;
    await pause(every, signal);
  }
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      release?.();
      resolve();
    }, milliseconds);
    const release =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer);
        resolve();
      });
  });
}
