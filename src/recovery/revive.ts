import type { OperationOptions } from "../adapter/adapter.js";
import { checkBoolean, type OptionNames, readOperation } from "../core/arguments.js";
import { checkId, checkTaskList, type TaskKey } from "../core/keys.js";
import { readArray } from "../core/read-from.js";
import { processClock } from "../core/version.js";
import { encodeEnvelope } from "../envelope/encode.js";
import type { FullEnvelope } from "../envelope/envelope.js";
import type { DataInterface } from "../interface/data-interface.js";
import { checkDataInterface } from "../interface/interface-state.js";
import { saveCopy } from "../interface/save-copy.js";
import type { Task } from "../task/task.js";
import { currentEnvelope } from "../task/task-envelope.js";
import { originalOf, originOf } from "./dead-letter.js";

export interface ReviveOptions extends OperationOptions {
  /** Only the dead letters with these ids. @defaultValue all of the list */
  readonly ids?: readonly string[] | undefined;
  /** Reports what would be done, without doing it (a dry run). @defaultValue false */
  readonly dryRun?: boolean | undefined;
}

/** The result for a dead letter. */
export interface Revival {
  /** Its id in the dead-letter list. */
  readonly id: string;
  /** Its original list and id; undefined if it is not a dead letter. */
  readonly origin: TaskKey | undefined;
  /**
   * `revived`: it is open again in its original list. `open`: another version of it is open there, so it stays in the dead-letter
   * list. `not-a-dead-letter`: it stays in the list.
   */
  readonly type: "revived" | "open" | "not-a-dead-letter";
}

const reviveOptions: OptionNames<ReviveOptions> = { ids: true, dryRun: true, signal: true };

/**
 * Moves dead letters back to their original lists, to be done again: under their old ids, at new versions, with attempts
 * counted from 1. Each is saved there before it is completed here; calling it again continues where it stopped.
 *
 *     for (const { id, type } of await revive(tasks, "dead")) console.log(id, type);
 *
 * @returns the result for each dead letter, oldest first.
 * @throws INVALID_ARGUMENT, INVALID_KEY, and what the store throws.
 */
export async function revive(
  tasks: DataInterface,
  deadLetterList: string,
  options: ReviveOptions = {},
): Promise<Revival[]> {
  checkDataInterface("tasks", tasks);
  checkTaskList(deadLetterList);
  const { ids: given, dryRun = false, signal } = readOperation(options, reviveOptions);
  checkBoolean("dryRun", dryRun);
  const ids = given === undefined ? undefined : readArray("ids", "an array of ids", given, readId);
  const revivals: Revival[] = [];
  for await (const deadLetter of deadLetters(tasks, deadLetterList, ids, signal))
    revivals.push(await reviveOne(tasks, deadLetter, dryRun));
  return revivals;
}

function readId(id: unknown): string {
  checkId(id);
  return id;
}

async function* deadLetters(
  tasks: DataInterface,
  deadLetterList: string,
  ids: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Task, void, undefined> {
  if (ids === undefined) return yield* tasks.all(deadLetterList, { signal });
  for (const id of ids) {
    const task = await tasks.find(deadLetterList, id, { signal });
    if (task) yield task;
  }
}

async function reviveOne(tasks: DataInterface, deadLetter: Task, dryRun: boolean): Promise<Revival> {
  const { id } = deadLetter;
  const origin = originOf(deadLetter);
  if (origin === undefined) return { id, origin, type: "not-a-dead-letter" };
  const original = originalOf(deadLetter, origin);
  const open = await tasks.find(origin.taskList, origin.id);
  if (open && !isSame(currentEnvelope(open), original)) return { id, origin, type: "open" };
  if (!dryRun) {
    // Whoever gave it up may be about to complete what is open, which would then be in neither list.
    if (!open) await saveCopy(tasks, original);
    else if (!isRevived(open, deadLetter))
      await saveCopy(tasks, { ...original, savedAt: currentEnvelope(open).savedAt });
    await tasks.complete(deadLetter);
  }
  return { id, origin, type: "revived" };
}

/** Whether what is open was saved after its dead letter: by an earlier call that ended between the two steps. */
function isRevived({ envelope: { savedAt = 0n } }: Task, deadLetter: Task): boolean {
  return savedAt > (deadLetter.envelope.savedAt ?? 0n) && savedAt <= processClock.horizon();
}

function isSame(a: FullEnvelope, b: FullEnvelope): boolean {
  const bytesOf = ({ savedAt: _, ...envelope }: FullEnvelope) => encodeEnvelope({ ...envelope, attempt: 0 }, Infinity);
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}
