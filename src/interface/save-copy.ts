import type { OperationOptions } from "../core/abort.js";
import { callStoreForOne } from "../core/store-error.js";
import { typeNameOf } from "../core/type-url.js";
import { encodeBody } from "../envelope/encode.js";
import { type FullEnvelope, savedAtOf } from "../envelope/envelope.js";
import { settleCopy } from "../task/task-entries.js";
import type { DataInterface } from "./data-interface.js";

/**
 * Saves an envelope byte for byte, whatever its type, and whether or not its data is valid. It may be larger than
 * `maxTaskBytes`: what is in a store already must not stay where it is for what is added to its copy.
 */
export async function saveCopy(
  tasks: DataInterface,
  envelope: FullEnvelope,
  options: OperationOptions = {},
): Promise<void> {
  const { taskList, id, data } = envelope;
  const savedAt = savedAtOf(envelope);
  const replaces = savedAt === undefined ? [] : [savedAt];
  const entry = { taskList, id, type: typeNameOf(data.typeUrl), replaces, body: encodeBody(envelope, Infinity) };
  const outcome = await callStoreForOne("unknown", () => tasks.adapter.save([entry], options));
  const error = settleCopy(outcome);
  if (error) throw error;
}
