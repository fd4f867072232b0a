import type { Command } from "commander";
import { type Revival, revive, type TaskKey } from "../../index.js";
import { type CommandError, commandError, exitCodes } from "../command-error.js";
import { checkConfirmation, confirm } from "../confirm.js";
import { notOpen, shellQuoted } from "../open-task.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { examples } from "../output/help.js";
import { writeNote } from "../output/note.js";
import { RecordPrinter } from "../output/records.js";
import { openSession, type Session } from "../session.js";
import type { Terminal } from "../terminal.js";

interface ReviveOptions extends GlobalOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** The result for a dead letter. */
interface Revived {
  /** The dead-letter list. */
  readonly taskList: string;
  readonly id: string;
  readonly result: "revived" | "would be revived" | "another version is open" | "not a dead letter" | "not open";
  /** The original task. */
  readonly origin?: TaskKey;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Moves dead letters back to their original lists, to be done again, with attempts counted from 1. If another version of" +
        " a task is open there, its dead letter stays. It can be interrupted, and started again.",
    )
    .argument("<list>", "the list of dead letters")
    .argument("[id...]", "the dead letters' ids; by default all of the list")
    .option("--dry-run", "only print what would be revived")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("taskledger revive dead --dry-run", "taskledger revive dead --yes"))
    .action((list: string, ids: string[], _, self: Command) =>
      reviveLetters(terminal, list, ids, optionsOf<ReviveOptions>(self)),
    );
}

async function reviveLetters(
  terminal: Terminal,
  list: string,
  ids: readonly string[],
  options: ReviveOptions,
): Promise<void> {
  const { dryRun = false, yes, output: format } = options;
  if (!dryRun) checkConfirmation(terminal, yes, "Confirm it with --yes, or see what would be done with --dry-run.");
  await using session = await openSession(terminal, options, { access: dryRun ? "read" : "write", decodes: false });
  if (!dryRun) await confirm(terminal, session, await questionOf(session, list, ids), yes);
  const printer = new RecordPrinter<Revived>(terminal.out, { format, headers: false, columns });
  const results: Revived[] = [];
  for await (const some of ids.length > 0 ? [ids] : idsOf(session, list)) {
    for (const each of await reviveSome(session, list, some, dryRun)) {
      results.push(each);
      await printer.add(each);
    }
    printer.flush();
  }
  if (format === "json") printer.end();
  if (results.length === 0) writeNote(terminal, options, `${list} has no open tasks.`);
  const ending = endingOf(results);
  if (ending) throw ending;
}

const columns = [
  { name: "RESULT", value: ({ result }: Revived) => result },
  { name: "TASK", value: ({ origin }: Revived) => (origin ? `${origin.taskList}/${origin.id}` : "-") },
  { name: "DEAD LETTER", value: ({ taskList, id }: Revived) => `${taskList}/${id}` },
];

async function questionOf({ tasks, signal }: Session, list: string, ids: readonly string[]): Promise<string> {
  if (ids.length > 0) return `Take ${ids.length} dead letters of ${list} back, to be done again?`;
  const { open, isCapped } = await tasks.stats(list, { claims: false, signal });
  return `${list} has ${open}${isCapped ? "+" : ""} open tasks. Take its dead letters back, to be done again?`;
}

const AT_ONCE = 100;

async function* idsOf({ tasks, signal }: Session, list: string): AsyncGenerator<readonly string[]> {
  let ids: string[] = [];
  for await (const { id } of tasks.all(list, { signal })) {
    ids.push(id);
    if (ids.length < AT_ONCE) continue;
    yield ids;
    ids = [];
  }
  if (ids.length > 0) yield ids;
}

/** In the order of the ids. */
async function reviveSome(
  { tasks, signal, patience }: Session,
  taskList: string,
  ids: readonly string[],
  dryRun: boolean,
): Promise<Revived[]> {
  const revivals = await revive(tasks, taskList, { ids, dryRun, signal });
  patience.renew();
  const byId = new Map(revivals.map((revival) => [revival.id, revival]));
  return ids.map((id) => {
    const revival = byId.get(id);
    if (revival === undefined) return { taskList, id, result: "not open" };
    const { type, origin } = revival;
    const result = type === "revived" && dryRun ? "would be revived" : resultOf[type];
    return { taskList, id, result, ...(origin && { origin }) };
  });
}

const resultOf = {
  revived: "revived",
  open: "another version is open",
  "not-a-dead-letter": "not a dead letter",
} as const satisfies Record<Revival["type"], Revived["result"]>;

/** The error that the command ends with; undefined if all were revived. */
function endingOf(results: readonly Revived[]): CommandError | undefined {
  const of = (wanted: Revived["result"]) => results.filter(({ result }) => result === wanted);
  const [gone, conflicts, others] = [of("not open"), of("another version is open"), of("not a dead letter")];
  const [lost] = gone;
  if (lost && results.length === 1) return notOpen(lost.taskList, lost.id);
  const [conflict] = conflicts;
  if (conflict) {
    const { taskList = "", id = "" } = conflict.origin ?? {};
    const text = `of ${conflicts.length} of ${results.length} dead letters another version is open; the first is of ${taskList}/${id}`;
    const advice = `They stay. See what is open: taskledger show ${shellQuoted(taskList)} ${shellQuoted(id)}`;
    return commandError(exitCodes.conflict, "NEWER_VERSION", text, advice);
  }
  if (lost)
    return commandError(exitCodes.notOpen, "NOT_OPEN", `${gone.length} of ${results.length} are not open`, rest);
  if (others.length === 0) return undefined;
  const text = `${others.length} of ${results.length} tasks of the list are no dead letters; they stay`;
  return commandError(exitCodes.checkFailed, "NO_DEAD_LETTER", text, rest);
}

const rest = "Nothing was done to them. See what is open: taskledger lists";
