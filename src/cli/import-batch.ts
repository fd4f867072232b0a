import { BulkError, type Task } from "../index.js";
import type { Session } from "./session.js";

export type ConflictRule = "fail" | "skip" | "overwrite";

/** A task of the import is open already. */
export class ImportConflict extends Error {
  readonly task: Task;

  constructor(task: Task) {
    super("a task is open already");
    this.task = task;
  }
}

/** Saves tasks in their order, by the rule, and counts them. Throws an ImportConflict, and what the store throws. */
export async function importBatch(
  { tasks, signal }: Session,
  batch: readonly Task[],
  rule: ConflictRule,
  counts: { imported: number; skipped: number },
): Promise<void> {
  const found = rule === "overwrite" ? [] : await tasks.adapter.find(batch, { signal });
  const first = rule === "fail" ? found.findIndex((stored) => stored !== undefined) : -1;
  const conflict = first < 0 ? undefined : batch[first];
  const wanted = batch.filter((_, i) => found[i] === undefined && (first < 0 || i < first));
  try {
    // All in one call, so that versions rise in the order of the tasks.
    counts.imported += await tasks.saveAll(wanted, { batchSize: wanted.length || 1, concurrency: 1, signal });
  } catch (error) {
    if (!(error instanceof BulkError)) throw error;
    counts.imported += error.done;
    throw failureOf(error);
  }
  if (conflict) throw new ImportConflict(conflict);
  counts.skipped += batch.length - wanted.length;
}

/** What the store said of a task, and not only that some failed; an unknown outcome counts for more than a known one. */
function failureOf(error: BulkError): unknown {
  if (error.code !== "BULK_FAILED") return error;
  const errors = error.failures.map((failure) => failure.error);
  return errors.find(({ outcome }) => outcome === "unknown") ?? error.cause;
}
