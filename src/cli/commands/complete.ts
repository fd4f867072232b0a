import { type Command, Option } from "commander";
import type { Task } from "../../index.js";
import { type CommandError, commandError, exitCodes } from "../command-error.js";
import { type Completion, completeTasks, endingOf, type Target } from "../completion.js";
import { checkConfirmation, confirm } from "../confirm.js";
import { openInput, readLines } from "../input.js";
import { findOpen, shellQuoted } from "../open-task.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { valueOption, version } from "../options/values.js";
import { examples } from "../output/help.js";
import { RecordPrinter } from "../output/records.js";
import { openSession, type Session } from "../session.js";
import { viewSome } from "../task-views.js";
import type { Terminal } from "../terminal.js";

interface CompleteOptions extends GlobalOptions {
  readonly version?: bigint;
  readonly latest?: boolean;
  readonly stdin?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Completes tasks, as if a worker had done them. Completed tasks are not kept. It completes the version that you have" +
        " seen, never a later one: if the task was saved again since, it stays open, and the exit code is 5.",
    )
    .argument("[list]", "the task list")
    .argument("[id]", "the task's id")
    .addOption(valueOption("--version <version>", "the version that you have seen, as ls and show print it", version))
    .addOption(new Option("--latest", "complete whatever version is open").conflicts("version"))
    .option("--stdin", "complete the tasks that standard input names, one per line, as `ls -o jsonl` prints them")
    .option("--dry-run", "only print what would be completed")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      examples(
        "taskledger complete acme.com file1 --version 1796096690181188 --yes",
        "taskledger ls acme.com --older-than 7d -o jsonl | taskledger complete --stdin --yes",
      ),
    )
    .action((list: string | undefined, id: string | undefined, _, self: Command) =>
      complete(terminal, list, id, optionsOf<CompleteOptions>(self)),
    );
}

async function complete(
  terminal: Terminal,
  list: string | undefined,
  id: string | undefined,
  options: CompleteOptions,
): Promise<void> {
  checkUsage(terminal, list, id, options);
  await using session = await openSession(terminal, options, {
    access: options.dryRun ? "read" : "write",
    decodes: false,
  });
  const { output: format } = options;
  const printer = new RecordPrinter<Completion>(terminal.out, { format, headers: false, columns });
  const targets =
    list === undefined || id === undefined ? readTargets(terminal, session) : one(terminal, session, list, id, options);
  const done: Completion[] = [];
  for await (const some of targets)
    for (const each of await completeTasks(session, some, options.dryRun ?? false)) {
      done.push(each);
      await printer.add(each);
      printer.flush();
    }
  if (format === "json") printer.end();
  const ending = endingOf(done);
  if (ending) throw ending;
}

const columns = [
  { name: "RESULT", value: ({ result }: Completion) => result },
  { name: "TASK", value: ({ taskList, id }: Completion) => `${taskList}/${id}` },
  { name: "VERSION", value: ({ version: own }: Completion) => own ?? "" },
];

function checkUsage(
  terminal: Terminal,
  list: string | undefined,
  id: string | undefined,
  options: CompleteOptions,
): void {
  const { stdin, latest, version: own, dryRun, yes } = options;
  if (stdin) {
    if (list !== undefined || own !== undefined || latest)
      throw usage("--stdin names the tasks and their versions; nothing else may");
    // The answer would be read from the standard input, which has the tasks.
    if (!dryRun && !yes) throw usage("--stdin needs --yes, or --dry-run");
  } else if (list === undefined || id === undefined) throw usage("name a list and an id, or give --stdin");
  else if (own === undefined && !latest && !dryRun) checkVersionCanBeAsked(terminal, list, id, yes);
  if (!dryRun) checkConfirmation(terminal, yes, "Confirm it with --yes, or see what would be done with --dry-run.");
}

function checkVersionCanBeAsked({ input }: Terminal, list: string, id: string, yes: boolean | undefined): void {
  if (input.isTTY && !yes) return;
  const show = `taskledger show ${shellQuoted(list)} ${shellQuoted(id)}`;
  throw usage(
    "name the version that you have seen, or --latest for whatever is open",
    `${show}\nprints it: --version VERSION`,
  );
}

function usage(text: string, advice = "See taskledger complete --help"): CommandError {
  return commandError(exitCodes.usage, "USAGE", text, advice);
}

async function* one(
  terminal: Terminal,
  session: Session,
  taskList: string,
  id: string,
  { version: own, yes, dryRun }: CompleteOptions,
): AsyncGenerator<readonly Target[]> {
  const task = await findOpen(session, taskList, id);
  const savedAt = task.envelope.savedAt as bigint;
  const isSeen = own === undefined || own === savedAt;
  if (isSeen && !dryRun) await confirm(terminal, session, await questionOf(session, task), yes);
  yield [{ taskList, id, version: own ?? savedAt }];
}

async function questionOf(session: Session, task: Task): Promise<string> {
  const [view] = await viewSome(session, [task]);
  const { claim, version: own } = view ?? {};
  const claimed = claim?.state === "claimed" ? ` ${claim.owner} has claimed it until ${claim.until}.` : "";
  return `${task.taskList}/${task.id} is a ${task.type}, version ${own}.${claimed} Complete it?`;
}

const LINES_AT_ONCE = 100;

async function* readTargets(terminal: Terminal, { patience }: Session): AsyncGenerator<readonly Target[]> {
  let targets: Target[] = [];
  let number = 0;
  for await (const line of patience.suspendFor(readLines(openInput(terminal)))) {
    number++;
    if (line.trim() !== "") targets.push(parseTarget(line, number));
    if (targets.length < LINES_AT_ONCE) continue;
    yield targets;
    targets = [];
  }
  yield targets;
}

function parseTarget(line: string, number: number): Target {
  try {
    const { taskList, id, version: own } = JSON.parse(line) as Record<string, unknown>;
    if (typeof taskList === "string" && typeof id === "string" && /^\d{1,18}$/.test(String(own)))
      return { taskList, id, version: BigInt(own as string) };
  } catch {
    // Reported below.
  }
  const advice = 'A line looks like this: {"taskList":"acme.com","id":"file1","version":"1796096690181188"}';
  throw commandError(exitCodes.usage, "INVALID_LINE", `line ${number} of the input names no task and version`, advice);
}
