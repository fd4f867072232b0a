import { setTimeout as sleep } from "node:timers/promises";

/** Waits until a condition holds; throws if that takes too long. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, timeout = 90_000): Promise<void> {
  for (const start = Date.now(); !(await isSo()); await sleep(50))
    if (Date.now() - start > timeout) throw new Error(`waited too long for ${what}`);
}
