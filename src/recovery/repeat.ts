import { onAbort } from "../core/abort.js";
import { isTaskError, type TaskErrorCode } from "../core/errors.js";

/** What may pass by itself; after it, the next pass tries again. */
const passing: readonly TaskErrorCode[] = ["UNAVAILABLE", "TIMEOUT", "OVERLOADED", "CLOCK_SKEW"];

export interface RepeatOptions {
  /** The pause between two passes, in milliseconds; without it there is one pass. */
  readonly every: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether to try again after another error than that the store did not answer. @defaultValue never */
  readonly mayPass?: ((error: unknown) => boolean) | undefined;
  /** Called if the store did not answer, or with another error that may pass; resolves to whether to go on. */
  readonly onFailed: (error: unknown) => Promise<boolean>;
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
