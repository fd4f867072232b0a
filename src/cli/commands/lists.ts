import type { Command } from "commander";
import { ageOf } from "../../inspection/age.js";
import { formatDuration } from "../../inspection/duration.js";
import { type ListView, viewLists, viewListsOf } from "../../inspection/list-view.js";
import { CommandError, exitCodes } from "../command-error.js";
import { readConfig } from "../options/config.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { age, duration, valueOption } from "../options/values.js";
import { examples } from "../output/help.js";
import { countColumns, nameColumns } from "../output/list-columns.js";
import { writeNote } from "../output/note.js";
import { RecordPrinter } from "../output/records.js";
import { openStoreSession, type StoreSession } from "../store-session.js";
import type { Terminal } from "../terminal.js";

interface ListsOptions extends GlobalOptions {
  readonly count: boolean;
  readonly failOlderThan?: number;
  readonly watch?: boolean;
  readonly interval: number;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prints the lists that have open tasks: how many (10000+ if there are more), since when the oldest is open, how" +
        " many somebody has claimed, and how many were tried more than once.",
    )
    .argument("[list...]", "the task lists; by default all that have open tasks")
    .option("--no-count", "only the names and the oldest tasks, which costs less")
    .addOption(valueOption("--fail-older-than <age>", "exit with 3 if a task is open for longer", age))
    .option("-w, --watch", "go on, and print the lists that change")
    .addOption(valueOption("--interval <time>", "how often it looks, with --watch", duration).default(2_000, "2s"))
    .addHelpText("after", examples("taskledger lists", "taskledger lists acme.com --fail-older-than 1h --no-count -q"))
    .action((names: string[], _, self: Command) => lists(terminal, names, optionsOf<ListsOptions>(self)));
}

async function lists(terminal: Terminal, names: readonly string[], options: ListsOptions): Promise<void> {
  const config = await readConfig(terminal.cwd, options.config);
  await using session = await openStoreSession(terminal, options, config, "read");
  const { headers, watch: isWatch } = options;
  const format = isWatch && options.output === "json" ? "jsonl" : options.output; // it has no end
  const printer = new RecordPrinter<ListView>(terminal.out, {
    ...{ format, headers, columns: options.count ? countColumns : nameColumns },
  });
  const read = () => readLists(session, names, options);
  const found = await read();
  for (const list of found) await printer.add(list);
  if (!isWatch) {
    printer.end();
    if (found.length === 0) writeNote(terminal, options, "No list has open tasks.");
    checkAges(found, options.failOlderThan);
    return;
  }
  printer.flush();
  await watch(session, options, printer, found, read);
}

async function readLists(
  { adapter, signal, patience }: StoreSession,
  names: readonly string[],
  { count }: ListsOptions,
): Promise<ListView[]> {
  const stats = count ? { signal } : { signal, max: 1, claims: false };
  const found = await (names.length > 0 ? viewListsOf(adapter, names, stats) : viewLists(adapter, stats));
  patience.renew();
  return found;
}

/** Prints what has changed, until it is interrupted or nobody reads it; a list that is empty now is printed once. */
async function watch(
  session: StoreSession,
  options: ListsOptions,
  printer: RecordPrinter<ListView>,
  found: readonly ListView[],
  read: () => Promise<ListView[]>,
): Promise<void> {
  const shown = new Map(found.map((list) => [list.taskList, list]));
  while (printer.isWanted) {
    await session.patience.pause(options.interval);
    const now = new Map((await read()).map((list) => [list.taskList, list]));
    const gone = [...shown.keys()].filter((name) => !now.has(name));
    for (const taskList of gone) now.set(taskList, { ...nothing, taskList });
    for (const [name, list] of now)
      if (JSON.stringify(list) !== JSON.stringify(shown.get(name))) await printer.add(list);
    printer.flush();
    shown.clear();
    for (const [name, list] of now) if (list.open > 0) shown.set(name, list);
  }
}

const nothing = { open: 0, isCapped: false, claimed: 0, waiting: 0, retried: 0 };

const unknownAge = "the age of its oldest task is unknown: a clock was wrong";

function checkAges(found: readonly ListView[], limit: number | undefined): void {
  if (limit === undefined) return;
  const ages = found.map(({ taskList, oldest }) => ({ taskList, age: ageOf(oldest) }));
  // A task of unknown age may be of any.
  const old = ages.filter(({ age }) => age === undefined || age > limit);
  if (old.length === 0) return;
  const problems = old.map(({ taskList, age }) => ({
    code: "TOO_OLD",
    text: `${taskList}: ${age === undefined ? unknownAge : `its oldest task is open for ${formatDuration(age)}`}`,
    advice: `The limit is ${formatDuration(limit)} (--fail-older-than). Is a worker of this list running?`,
  }));
  throw new CommandError(exitCodes.checkFailed, problems);
}
