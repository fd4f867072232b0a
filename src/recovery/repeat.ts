import { onAbort } from "../abort.js";
import { isTaskError, type TaskError, type TaskErrorCode } from "../errors.js";

/** What may pass by itself; after it, the next pass tries again. */
const passing: readonly TaskErrorCode[] = ["UNAVAILABLE", "TIMEOUT", "OVERLOADED", "CLOCK_SKEW"];

export interface RepeatOptions {
  /** The pause between two passes, in milliseconds; without it there is one pass. */
  readonly every: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called if the store did not answer, and resolves to whether to go on. */
  readonly onStoreFailed: (error: TaskError) => Promise<boolean>;
}

/** Goes through a list once; resolves to whether to go on. */
export type Pass = () => Promise<boolean>;

/**
 * Makes the passes, one after the other, again and again, until one says that it is enough, or the signal is aborted, which is
 * no error. Throws what a pass throws, but what may have passed by the next time; the other passes go on then.
 */
export async function repeat(passes: readonly Pass[], options: RepeatOptions): Promise<void> {
  const { every, signal } = options;
  while (!signal?.aborted) {
    for (const pass of passes) if (!(await tryPass(pass, options))) return;
    if (every === undefined) return;
    await pause(every, signal);
  }
}

async function tryPass(pass: Pass, { every, signal, onStoreFailed }: RepeatOptions): Promise<boolean> {
  try {
    return await pass();
  } catch (error) {
    if (signal?.aborted && isTaskError(error, "ABORTED")) return false;
    if (every === undefined || !isTaskError(error) || !passing.includes(error.code)) throw error;
    return onStoreFailed(error);
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
