import assert from "node:assert/strict";
import type { CompleteEntry, Outcome, StoredTask } from "../adapter/adapter.js";
import { isTaskError, type TaskError, type TaskErrorCode } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";

/** A version of a task in its list, with the body that it has been saved as or read as. */
export interface KnownTask extends StoredTask, CompleteEntry {}

/** Checks the types of a task that an adapter returned. */
export function knownTask(taskList: string, stored: StoredTask): KnownTask {
  const { id, savedAt, body } = stored ?? {};
  assert.ok(body instanceof Uint8Array, `a task's body is a Uint8Array, not ${typeof body}`);
  assert.equal(typeof id, "string", "a task's id is a string");
  assert.equal(typeof savedAt, "bigint", "a task's version is a bigint");
  return { taskList, id, savedAt, body };
}

export function describeTask({ id, savedAt }: { readonly id: string; readonly savedAt: bigint }): string {
  return `${JSON.stringify(id.length > 40 ? `${id.slice(0, 40)}…` : id)} at ${savedAt}`;
}

/** Checks that this version, with these bytes, was returned. */
export function expectStored(actual: StoredTask | undefined, expected: KnownTask): void {
  assert.ok(actual !== undefined, `${describeTask(expected)} is open, but was not found`);
  const { id, savedAt, body } = knownTask(expected.taskList, actual);
  const is = `got ${describeTask(actual)}`;
  assert.ok(id === expected.id && savedAt === expected.savedAt, `expected ${describeTask(expected)}, ${is}`);
  if (Buffer.compare(body, expected.body) === 0) return;
  assert.fail(`expected the ${expected.body.length} bytes of ${describeTask(expected)}, got ${body.length} others`);
}

/** In the order of a listing: oldest version first. */
export function inOrder(tasks: readonly KnownTask[]): KnownTask[] {
  return tasks.toSorted((a, b) => (a.savedAt < b.savedAt ? -1 : 1));
}

/** Checks that these are the same tasks, in the same order, byte for byte. */
export function expectTasks(actual: readonly KnownTask[], expected: readonly KnownTask[]): void {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    const [was, should] = [actual[i], expected[i]];
    if (was?.id === should?.id && was?.savedAt === should?.savedAt) continue;
    const at = `place ${i} of a list of ${expected.length}`;
    assert.fail(
      `at ${at}: expected ${should ? describeTask(should) : "its end"}, got ${was ? describeTask(was) : "its end"}`,
    );
  }
  for (const [i, task] of expected.entries()) expectStored(actual[i], task);
}

/** Checks that each version was returned once. */
export function expectDistinct(tasks: readonly KnownTask[]): void {
  const seen = new Set<string>();
  for (const task of tasks) {
    const version = `${task.savedAt} ${task.id}`;
    assert.ok(!seen.has(version), `a listing returned ${describeTask(task)} twice`);
    seen.add(version);
  }
}

export function acknowledged<T>(outcome: Outcome<T> | undefined): T {
  assert.ok(outcome !== undefined, "every entry has an outcome");
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}

export function expectError(outcome: Outcome<unknown> | undefined, code: TaskErrorCode): TaskError {
  assert.ok(outcome !== undefined, "every entry has an outcome");
  assert.ok(!outcome.ok, `expected ${code}, but it succeeded`);
  return checkError(outcome.error, code);
}

/** Checks that a call fails, by a promise or by throwing at once. */
export async function expectRejection(call: () => unknown, code: TaskErrorCode): Promise<TaskError> {
  try {
    await call();
  } catch (error) {
    return checkError(error, code);
  }
  return assert.fail(`expected ${code}, but it succeeded`);
}

function checkError(error: unknown, code: TaskErrorCode): TaskError {
  if (isTaskError(error, code)) return error;
  return assert.fail(`expected a TaskError ${code}, got ${isTaskError(error) ? `${error.code}: ` : ""}${error}`);
}

/** The outcomes of a call, which may also fail as a whole. */
export async function outcomesOf<T>(
  entries: readonly TaskKey[],
  call: () => Promise<readonly Outcome<T>[]>,
): Promise<readonly Outcome<T>[]> {
  let outcomes: readonly Outcome<T>[];
  try {
    outcomes = await call();
  } catch (error) {
    if (!isTaskError(error)) throw error;
    outcomes = entries.map(() => ({ ok: false, error }));
  }
  assert.equal(outcomes.length, entries.length, "there is one outcome per entry");
  return outcomes;
}
