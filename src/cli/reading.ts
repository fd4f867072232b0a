import { MemoryAdapter } from "../adapters/memory/index.js";
import { DataInterface, type Task, type TaskClass } from "../index.js";

/** A limit that no stored task reaches: the process that saved a task had its own. */
export const MAX_TASK_BYTES: number = 64 * 1024 * 1024;

/** A task of the maximum size fits into a frame. */
export const MAX_FRAME_BYTES: number = MAX_TASK_BYTES + 4096;

/** Reads tasks without their store. Their versions are those of the store that they come from. */
export function readingInterface(types: readonly TaskClass<Task>[]): DataInterface {
  return new DataInterface({ types, adapter: new MemoryAdapter(), maxTaskBytes: MAX_TASK_BYTES });
}
