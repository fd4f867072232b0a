import { onAbort } from "../core/abort.js";
import { isTaskError, type TaskErrorCode } from "../core/errors.js";

/** Codes of temporary errors; after one, the next pass tries again. */
const passing: readonly TaskErrorCode[] = ["UNAVAILABLE", "TIMEOUT", "OVERLOADED", "CLOCK_SKEW"];

export interface RepeatOptions {
  /** The pause between two passes, in milliseconds; without it there is one pass. */
  readonly every: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether to try again after an error that is not a temporary one of the store. @defaultValue never */
  readonly mayPass?: ((error: unknown) => boolean) | undefined;
  /** Called if the store did not answer, or with another temporary error; resolves to whether to continue. */
  readonly onFailed: (error: unknown) => Promise<boolean>;
}

/** Makes one pass over a list; resolves to whether to continue. */
export type Pass = () => Promise<boolean>;

/**
 * Repeats the passes, one after the other, until one resolves to false, or the signal is aborted, which is not an error. Throws
 * what a pass throws, except temporary errors, after which the other passes continue.
 */
export async function repeat(passes: readonly Pass[], options: RepeatOptions): Promise<void> {
  const { every, signal } = options;
  while (!signal?.aborted) {
    for (const pass of passes) if (!(await tryPass(pass, options))) return;
    if (every === undefined) return;
    await pause(every, signal);
  }
}

async function tryPass(pass: Pass, { every, signal, mayPass, onFailed }: RepeatOptions): Promise<boolean> {
  try {
    return await pass();
  } catch (error) {
    if (signal?.aborted && isTaskError(error, "ABORTED")) return false;
    const isStore = isTaskError(error) && passing.includes(error.code);
    if (every === undefined || !(isStore || mayPass?.(error))) throw error;
    return onFailed(error);
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
