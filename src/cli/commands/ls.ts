import type { Command } from "commander";
import type { Task } from "../../index.js";
import type { TaskView } from "../../inspection/task-view.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { age, count, valueOption } from "../options/values.js";
import { examples } from "../output/help.js";
import { writeNote } from "../output/note.js";
import { RecordPrinter } from "../output/records.js";
import { taskColumns } from "../output/task-columns.js";
import { openSession } from "../session.js";
import { viewTasks } from "../task-views.js";
import type { Terminal } from "../terminal.js";

interface LsOptions extends GlobalOptions {
  readonly limit?: number;
  readonly type?: string;
  readonly olderThan?: number;
  readonly minAttempt?: number;
  readonly idPrefix?: string;
  readonly unclaimed?: boolean;
}

const LIMIT = 50;

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prints the open tasks of a list, oldest first, with their data as JSON. Tasks whose data can't be read here are marked with a ?.",
    )
    .argument("<list>", "the task list")
    .addOption(
      valueOption(
        "--limit <count>",
        `maximum number of tasks; by default ${LIMIT}, and all with -o json or jsonl`,
        count,
      ),
    )
    .option("--type <type>", "only of this type, such as acme.v1.FetchFile")
    .addOption(valueOption("--older-than <age>", "only tasks that were saved at least this long ago", age))
    .addOption(valueOption("--min-attempt <count>", "only tasks with at least this many attempts", count))
    .option("--id-prefix <text>", "only ids that begin with this text")
    .option("--unclaimed", "only tasks that are not claimed, and do not wait to be tried again")
    .addHelpText(
      "after",
      examples("taskledger ls acme.com", "taskledger ls acme.com --older-than 1h --unclaimed -o jsonl"),
    )
    .action((list: string, _, self: Command) => ls(terminal, list, optionsOf<LsOptions>(self)));
}

async function ls(terminal: Terminal, list: string, options: LsOptions): Promise<void> {
  await using session = await openSession(terminal, options, { access: "read" });
  const { output: format, headers } = options;
  const limit = options.limit ?? (format === "table" ? LIMIT : Infinity);
  const printer = new RecordPrinter<TaskView>(terminal.out, { format, headers, columns: taskColumns });
  const { signal } = session;
  const savedBefore = options.olderThan === undefined ? undefined : new Date(Date.now() - options.olderThan);
  const open = session.tasks.all(list, { signal, savedBefore }) as AsyncIterable<Task>;
  let isMore = false;
  for await (const task of viewTasks(session, matching(open, options))) {
    if (!isWanted(task, options)) continue;
    isMore = printer.count >= limit;
    if (isMore || !printer.isWanted) break;
    await printer.add(task);
  }
  printer.end();
  if (printer.count === 0)
    writeNote(terminal, options, `${list} has no open tasks${isFiltered(options) ? " of this kind" : ""}.`);
  if (isMore) writeNote(terminal, options, `There are more: --limit COUNT, or -o jsonl for all.`);
}

/** Applies the filters that need no claims. */
async function* matching(open: AsyncIterable<Task>, { type, idPrefix = "" }: LsOptions): AsyncGenerator<Task> {
  for await (const task of open)
    if (task.id.startsWith(idPrefix) && (type === undefined || task.type === type)) yield task;
}

function isWanted({ attempt, claim }: TaskView, { minAttempt = 0, unclaimed }: LsOptions): boolean {
  return attempt >= minAttempt && !(unclaimed && claim !== undefined && claim.state !== "free");
}

function isFiltered({ type, olderThan, minAttempt, idPrefix, unclaimed }: LsOptions): boolean {
  return [type, olderThan, minAttempt, idPrefix, unclaimed].some((each) => each !== undefined);
}
