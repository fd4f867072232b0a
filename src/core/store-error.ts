import { messageOf } from "./describe-value.js";
import { isTaskError, TaskError, type WriteOutcome } from "./errors.js";

/** What a store threw, as a TaskError. Adapters throw these; of anything else it is not known what it was. */
export function toStoreError(thrown: unknown, outcome: WriteOutcome): TaskError {
  return isTaskError(thrown) ? thrown : new TaskError("UNAVAILABLE", messageOf(thrown), { cause: thrown, outcome });
}

/** What a call of an adapter gives. Throws TaskErrors only; `outcome` is that of a call that fails in another way. */
export async function callStore<T>(outcome: WriteOutcome, call: () => T): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (thrown) {
    throw toStoreError(thrown, outcome);
  }
}
