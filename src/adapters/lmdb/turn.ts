import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** There while somebody opens or closes the gate. */
const TURN = "gate.turn";

/** In milliseconds. It takes some; whoever has taken so many has died. */
const LONG_TURN = 2000;

/**
 * Opens or closes the gate of a folder while no other process does: LMDB destroys its locks when the last closes it, though
 * another may be waiting to use them.
 */
export async function inTurn<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  const turn = join(folder, TURN);
  while (!tryMake(turn)) {
    const made = statSync(turn, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Date.now() - made > LONG_TURN) rmSync(turn, { force: true });
    await sleep(2);
  }
  try {
    return await work();
  } finally {
    rmSync(turn, { force: true });
  }
}

function tryMake(file: string): boolean {
  try {
    writeFileSync(file, "", { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
