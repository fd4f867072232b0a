import { type HistoryOptions, runHistory } from "./history.js";
import type { Breach } from "./oracle.js";

/** Leaves out operations and faults, one after the other, as long as the same promise is still broken. */
export async function shrink(
  seed: number,
  options: HistoryOptions,
  breach: Breach,
): Promise<{ skipped: Set<number>; masked: Set<string> }> {
  const skipped = new Set<number>();
  const masked = new Set<string>();
  const breaks = async () => {
    const { violations } = await runHistory(seed, { ...options, skipped, masked });
    return violations.some((violation) => violation.breach === breach);
  };
  const leaveOut = async <T>(set: Set<T>, names: readonly T[]): Promise<boolean> => {
    let isSmaller = false;
    for (const name of names) {
      if (set.has(name)) continue;
      set.add(name);
      if (await breaks()) isSmaller = true;
      else set.delete(name);
    }
    return isSmaller;
  };
  for (let isSmaller = true; isSmaller; ) {
    const { operations, faults } = await runHistory(seed, { ...options, skipped, masked });
    isSmaller = await leaveOut(skipped, operations);
    isSmaller = (await leaveOut(masked, [...new Set(faults)])) || isSmaller;
  }
  return { skipped, masked };
}
