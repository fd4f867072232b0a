import { describeValue } from "./describe-value.js";
import { TaskError } from "./errors.js";
import { packageVersion } from "./package-version.js";
import { adviseToAwait } from "./promises.js";
import { readOr } from "./values.js";

// The package may be installed twice, and tasks and classes of one copy given to the other.

/** Known to all installed copies: the version of the one that a task or a class is of. */
export const COPY: unique symbol = Symbol.for("taskledger.copy") as never;

/** Known to this copy only; its tasks and classes have it, too. */
export const THIS_COPY: unique symbol = Symbol("taskledger.this-copy") as never;

/** Whether a value is a task, of whatever copy. */
export function isTask(value: unknown): boolean {
  return typeof value === "object" && versionOf(value) !== undefined;
}

/** The version of the copy that a task or a class is of; undefined for anything else. */
function versionOf(value: unknown): string | undefined {
  return readOr(undefined, () => (value as { [COPY]?: string } | null | undefined)?.[COPY]);
}

/** TYPE_MISMATCH for a value that is not as expected, or belongs to another installed copy of the package. */
export function wrongType(value: unknown, expected: string, field: string, advice = ""): TaskError {
  const copy = versionOf(value);
  const isOther = copy !== undefined && !(value as { [THIS_COPY]?: true })[THIS_COPY];
  const reason = isOther
    ? `expected ${expected} of this copy of taskledger (${packageVersion}); this one is of another copy (${copy}). ` +
      "Install one, or hand over bytes (toBinary)"
    : `expected ${expected}, got ${describeValue(value)}${adviseToAwait(value) || advice}`;
  return new TaskError("TYPE_MISMATCH", `${field}: ${reason}`, { field });
}
