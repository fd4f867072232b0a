import type { Task } from "../index.js";
import { type CommandError, commandError, exitCodes } from "./command-error.js";
import { notOpen, shellQuoted } from "./open-task.js";
import type { Session } from "./session.js";

/** A task that is to be completed, in the version that somebody has seen. */
export interface Target {
  readonly taskList: string;
  readonly id: string;
  readonly version: bigint;
}

/** The result for a target; `version` is the one that is, or was, open. */
export interface Completion {
  readonly taskList: string;
  readonly id: string;
  readonly version?: string;
  readonly result: "completed" | "would be completed" | "not open" | "another version is open";
}

/** Completes those that are open in the version that was seen. Throws what the store throws. */
export async function completeTasks(
  { tasks, signal, patience }: Session,
  targets: readonly Target[],
  dryRun: boolean,
): Promise<Completion[]> {
  const found = await Promise.all(targets.map(({ taskList, id }) => tasks.find(taskList, id, { signal })));
  patience.renew();
  const seen = found.filter((task, i) => task?.envelope.savedAt === targets[i]?.version) as Task[];
  if (!dryRun) await tasks.completeAll(seen, { signal });
  patience.renew();
  return targets.map(({ taskList, id, version }, i) => {
    const open = found[i]?.envelope.savedAt;
    if (open === undefined) return { taskList, id, result: "not open" };
    if (open !== version) return { taskList, id, version: String(open), result: "another version is open" };
    return { taskList, id, version: String(open), result: dryRun ? "would be completed" : "completed" };
  });
}

/** The error that the command ends with; undefined if all were completed. A conflict takes precedence over a task that is not open. */
export function endingOf(completions: readonly Completion[]): CommandError | undefined {
  const conflicts = completions.filter(({ result }) => result === "another version is open");
  const gone = completions.filter(({ result }) => result === "not open");
  const [conflict] = conflicts;
  const [lost] = gone;
  if (conflict && completions.length === 1) return newer(conflict);
  if (lost && completions.length === 1) return notOpen(lost.taskList, lost.id);
  if (!conflict && !lost) return undefined;
  const text = `of ${completions.length} tasks, ${gone.length} were not open, and of ${conflicts.length} another version is open`;
  const [exitCode, code] = conflict
    ? ([exitCodes.conflict, "NEWER_VERSION"] as const)
    : ([exitCodes.notOpen, "NOT_OPEN"] as const);
  return commandError(exitCode, code, text, "The others have been completed. See what is open now: taskledger ls LIST");
}

function newer({ taskList, id, version }: Completion): CommandError {
  const show = `taskledger show ${shellQuoted(taskList)} ${shellQuoted(id)}`;
  const advice = `It was saved again after you saw it, and stays open. Look at it again: ${show}`;
  return commandError(exitCodes.conflict, "NEWER_VERSION", `${taskList}/${id} is open in version ${version}`, advice);
}
