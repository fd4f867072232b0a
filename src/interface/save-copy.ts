import type { OperationOptions } from "../adapter/adapter.js";
import { encodeEnvelope } from "../envelope/encode.js";
import type { FullEnvelope } from "../envelope/envelope.js";
import { TaskTypeRegistry } from "../task/registry.js";
import { decodeTask } from "../task/task-reading.js";
import type { DataInterface } from "./data-interface.js";

const noTypes = new TaskTypeRegistry([]);

/** Saves an envelope byte for byte, whatever its type, and whether or not its data is valid. */
export async function saveCopy(
  tasks: DataInterface,
  envelope: FullEnvelope,
  options: OperationOptions = {},
): Promise<void> {
  const bytes = encodeEnvelope(envelope, tasks.maxTaskBytes);
  await tasks.save(decodeTask(bytes, Infinity, tasks, noTypes), options);
}
