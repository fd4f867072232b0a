import { decodeFrames, encodeFrames } from "taskledger";
import { type MemoryUse, measureMemory } from "../memory.js";
import { buildTasks, FetchFileTask } from "../tasks.js";

/** Sends and receives tasks that are built as they are sent. */
export async function* run(count: number): AsyncGenerator<MemoryUse, void> {
  yield await measureMemory(decodeFrames(encodeFrames(buildTasks("list", count)), { types: [FetchFileTask] }));
}
