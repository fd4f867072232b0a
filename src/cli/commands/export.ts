import { type Command, Option } from "commander";
import { isKey } from "../../core/keys.js";
import { encodeFrames, type Task } from "../../index.js";
import { commandError, exitCodes, Interruption } from "../command-error.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { checkBinary } from "../output/binary.js";
import { examples } from "../output/help.js";
import { writeNote } from "../output/note.js";
import { Progress } from "../output/progress.js";
import { jsonText } from "../output/records.js";
import { MAX_FRAME_BYTES } from "../reading.js";
import { openSession, type Session } from "../session.js";
import type { Terminal } from "../terminal.js";

interface ExportOptions extends GlobalOptions {
  readonly format: "batch" | "jsonl";
}

/** Number of tasks in a frame: an interrupted export may lose as many of those that it has read. */
const FRAME_TASKS = 200;

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Writes open tasks to the standard output, for import: those of the named lists, or of all. Claims, and attempts" +
        " that the store counts, are not included. Export lists while nobody saves to them: a task that is saved again" +
        " meanwhile may be included twice, the newer version after the older.",
    )
    .argument("[list...]", "the task lists")
    .addOption(
      new Option("--format <format>", "batch: compact bytes, byte for byte as stored; jsonl: one line of JSON per task")
        .choices(["batch", "jsonl"])
        .default("batch"),
    )
    .addHelpText(
      "after",
      examples(
        "taskledger export >backup.tasks",
        "taskledger export acme.com --format jsonl --types tasks.binpb >acme.jsonl",
      ),
    )
    .action((lists: string[], _, self: Command) => exportTasks(terminal, lists, optionsOf<ExportOptions>(self)));
}

async function exportTasks(terminal: Terminal, lists: readonly string[], options: ExportOptions): Promise<void> {
  const { out, err } = terminal;
  const isBatch = options.format === "batch";
  if (isBatch) checkBinary(out);
  await using session = await openSession(terminal, options, { access: "read", decodes: !isBatch });
  const progress = new Progress(err, options.quiet);
  const counts = { tasks: 0, lists: 0, leftOut: 0 };
  async function* counted(): AsyncGenerator<Task> {
    for await (const task of openTasks(session, lists, counts)) {
      session.patience.renew();
      counts.tasks++;
      progress.show(() => `${counts.tasks.toLocaleString("en")} tasks exported`);
      yield task;
    }
  }
  try {
    for await (const part of isBatch ? encode(counted()) : linesOf(counted())) {
      if (out.isClosed) return;
      out.write(part);
      await session.patience.suspend(() => out.ready());
    }
  } catch (error) {
    progress.end();
    if (terminal.interrupted().aborted) writeNote(terminal, options, `Interrupted: the export is incomplete.`);
    throw terminal.interrupted().aborted ? new Interruption() : error;
  }
  progress.end();
  writeNote(terminal, options, `Exported ${counts.tasks} tasks of ${counts.lists} lists.`);
  if (counts.leftOut > 0) throw leftOut(counts.leftOut);
}

/** Nothing could read them back, and they would end the import of all others. */
function leftOut(count: number) {
  const text = `${count} damaged tasks are not in the export: no task can have their list or id`;
  return commandError(exitCodes.checkFailed, "LEFT_OUT", text, "taskledger ls LIST shows them.");
}

async function* openTasks(
  { tasks, signal }: Session,
  lists: readonly string[],
  counts: { lists: number; leftOut: number },
): AsyncGenerator<Task> {
  for await (const list of lists.length > 0 ? lists : tasks.lists({ signal })) {
    let isEmpty = true;
    for await (const task of tasks.all(list, { signal }) as AsyncIterable<Task>) {
      if (isEmpty) counts.lists++;
      isEmpty = false;
      if (isKey(task.taskList, task.id)) yield task;
      else counts.leftOut++;
    }
  }
}

function encode(source: AsyncIterable<Task>): AsyncIterable<Uint8Array> {
  return encodeFrames(source, { maxBatchTasks: FRAME_TASKS, maxBatchBytes: MAX_FRAME_BYTES });
}

async function* linesOf(source: AsyncIterable<Task>): AsyncGenerator<string> {
  for await (const task of source) yield `${jsonText(task)}\n`;
}
