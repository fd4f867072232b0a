import { messageOf } from "./describe-value.js";
import { isTaskError, TaskError, type WriteOutcome } from "./errors.js";
import { isArray, readOr } from "./values.js";

/** What a store threw, as a TaskError. Adapters throw TaskErrors; anything else becomes UNAVAILABLE. */
export function toStoreError(thrown: unknown, outcome: WriteOutcome): TaskError {
  return isTaskError(thrown) ? thrown : new TaskError("UNAVAILABLE", messageOf(thrown), { cause: thrown, outcome });
}

/** The result of an adapter's call for one task. Throws only TaskErrors. */
export async function callStoreForOne<T>(outcome: WriteOutcome, call: () => Promise<readonly T[]>): Promise<T> {
  const all: unknown = await callStore(outcome, call);
  if (isArray(all) && all.length === 1 && canBeAwaited(all[0])) return all[0] as T;
  throw new TaskError("UNAVAILABLE", "the adapter returned no outcome", { outcome });
}

/** Whether a value is not a thenable, nor a proxy that throws when it is accessed, such as that of a promise. */
function canBeAwaited(value: unknown): boolean {
  return readOr(false, () => Object(value).then === undefined);
}

/** The result of an adapter's call. Throws only TaskErrors; `outcome` is that of any other error. */
export async function callStore<T>(outcome: WriteOutcome, call: () => T): Promise<Awaited<T>> {
  try {
    return await call();
  } catch (thrown) {
    throw toStoreError(thrown, outcome);
  }
}
