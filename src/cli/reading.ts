import { MemoryAdapter } from "../adapters/memory/index.js";
import { DataInterface, type Task, type TaskClass } from "../index.js";

/** No limit: the process that saved a task had its own. */
export const MAX_TASK_BYTES: number = 64 * 1024 * 1024;

/** A frame has room for each of them. */
export const MAX_FRAME_BYTES: number = MAX_TASK_BYTES + 4096;

/** Reads tasks that are in no store here. What they say of their versions holds in the store that they come from. */
export function readingInterface(types: readonly TaskClass<Task>[]): DataInterface {
  return new DataInterface({ types, adapter: new MemoryAdapter(), maxTaskBytes: MAX_TASK_BYTES });
}
