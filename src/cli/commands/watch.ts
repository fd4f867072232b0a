import type { Command } from "commander";
import { checkTaskList } from "../../core/keys.js";
import { toMilliseconds, type Version } from "../../core/version.js";
import type { Task } from "../../index.js";
import { formatAge, momentOf } from "../../inspection/age.js";
import { dataLine, type TaskView } from "../../inspection/task-view.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { duration, valueOption } from "../options/values.js";
import { examples } from "../output/help.js";
import { RecordPrinter } from "../output/records.js";
import { openSession, type Session } from "../session.js";
import { viewSome } from "../task-views.js";
import type { Terminal } from "../terminal.js";

interface WatchOptions extends GlobalOptions {
  readonly interval: number;
}

interface WatchEvent {
  /** When it was noticed; in ISO 8601. */
  readonly at: string;
  readonly event: "opened" | "gone";
  readonly taskList: string;
  readonly id: string;
  readonly version: string;
  /** The task, if it was opened. */
  readonly task?: TaskView;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prints the tasks that are saved to a list (opened), and those that are not open any more (gone), until it is interrupted." +
        " It polls: a task that is saved and completed between two polls is not printed. If a task is saved again, its old" +
        " version is printed as gone.",
    )
    .argument("<list>", "the task list")
    .addOption(valueOption("--interval <time>", "time between two polls", duration).default(2_000, "2s"))
    .addHelpText("after", examples("taskledger watch acme.com", "taskledger watch acme.com --interval 500ms -o jsonl"))
    .action((list: string, _, self: Command) => watch(terminal, list, optionsOf<WatchOptions>(self)));
}

async function watch(terminal: Terminal, taskList: string, options: WatchOptions): Promise<void> {
  checkTaskList(taskList);
  await using session = await openSession(terminal, options, { access: "read" });
  const { headers } = options;
  const format = options.output === "json" ? "jsonl" : options.output; // it has no end
  const printer = new RecordPrinter<WatchEvent>(terminal.out, { format, headers, columns });
  let known = await readVersions(session, taskList);
  printer.flush();
  while (printer.isWanted) {
    await session.patience.pause(options.interval);
    const now = await readVersions(session, taskList);
    for await (const event of changes(session, taskList, known, now)) await printer.add(event);
    printer.flush();
    known = now;
  }
}

const columns = [
  { name: "AT", minWidth: 24, value: ({ at }: WatchEvent) => at },
  { name: "EVENT", minWidth: 6, value: ({ event }: WatchEvent) => event },
  { name: "ID", minWidth: 12, value: ({ id }: WatchEvent) => id },
  { name: "TYPE", minWidth: 24, value: ({ task }: WatchEvent) => task?.type ?? "-" },
  {
    name: "DATA",
    value: ({ task, version }: WatchEvent) => (task ? dataLine(task) : `open for ${formatAge(savedAt(version))}`),
  },
];

function savedAt(version: string): string {
  return momentOf(toMilliseconds(BigInt(version)));
}

/** Only keys and versions: a list may be long. */
async function readVersions({ tasks, signal, patience }: Session, list: string): Promise<Map<string, Version>> {
  const versions = new Map<string, Version>();
  const options = { pageSize: 1_000, maxPageBytes: Number.MAX_SAFE_INTEGER, withoutBodies: true, signal };
  for await (const page of tasks.adapter.all(list, options)) {
    patience.renew();
    for (const { id, savedAt } of page) versions.set(id, savedAt);
  }
  return versions;
}

const AT_ONCE = 100;

async function* changes(
  session: Session,
  taskList: string,
  before: ReadonlyMap<string, Version>,
  now: ReadonlyMap<string, Version>,
): AsyncGenerator<WatchEvent> {
  const at = new Date().toISOString();
  for (const [id, version] of before)
    if (now.get(id) !== version) yield { at, event: "gone", taskList, id, version: String(version) };
  const opened = [...now].filter(([id, version]) => before.get(id) !== version).map(([id]) => id);
  for (let i = 0; i < opened.length; i += AT_ONCE)
    for (const task of await findSome(session, taskList, opened.slice(i, i + AT_ONCE)))
      yield { at, event: "opened", taskList, id: task.id, version: task.version as string, task };
}

/** Those that are still open. */
async function findSome(session: Session, taskList: string, ids: readonly string[]): Promise<TaskView[]> {
  const { tasks, signal } = session;
  const found = await Promise.all(ids.map((id) => tasks.find(taskList, id, { signal })));
  return viewSome(session, found.filter((task) => task !== undefined) as Task[]);
}
