import { type Command, Option } from "commander";
import type { DataInterface, Task } from "../../index.js";
import { CommandError, commandError, exitCodes, Interruption } from "../command-error.js";
import { type ConflictRule, ImportConflict, importBatch } from "../import-batch.js";
import { openInput, peek, readLines } from "../input.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { examples } from "../output/help.js";
import { writeNote } from "../output/note.js";
import { Progress } from "../output/progress.js";
import { MAX_FRAME_BYTES, readingInterface } from "../reading.js";
import { openSession } from "../session.js";
import { fromTaskError, isTaskError } from "../task-error.js";
import type { Terminal } from "../terminal.js";

interface ImportOptions extends GlobalOptions {
  readonly format?: "batch" | "jsonl";
  readonly onConflict: ConflictRule;
}

/** Number of tasks that are saved together. */
const BATCH = 500;

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Saves the tasks of an export, in its order, at new versions. It can be interrupted, and started again with" +
        " --on-conflict skip. An SQLite file is created if it does not exist.",
    )
    .argument("[file]", "the export; by default the standard input")
    .addOption(
      new Option("--format <format>", "by default it is recognized by the first bytes").choices(["batch", "jsonl"]),
    )
    .addOption(
      new Option("--on-conflict <rule>", "what to do if a task is already open: stop, keep that one, or replace it")
        .choices(["fail", "skip", "overwrite"])
        .default("fail"),
    )
    .addHelpText(
      "after",
      examples(
        "taskledger import backup.tasks",
        "taskledger import backup.tasks --on-conflict skip --store sqlite:./new.db",
      ),
    )
    .action((file: string | undefined, _, self: Command) =>
      importTasks(terminal, file, optionsOf<ImportOptions>(self)),
    );
}

interface Counts {
  imported: number;
  skipped: number;
}

async function importTasks(terminal: Terminal, file: string | undefined, options: ImportOptions): Promise<void> {
  const input = await peek(openInput(terminal, file), 2);
  const isJson = options.format ? options.format === "jsonl" : looksLikeJson(input.start);
  await using session = await openSession(terminal, options, { access: "create", decodes: isJson });
  const progress = new Progress(terminal.err, options.quiet);
  const counts: Counts = { imported: 0, skipped: 0 };
  try {
    const reading = readingInterface(session.tasks.types);
    const source = isJson ? readJson(reading, input.all) : readFrames(reading, input.all);
    for await (const batch of batchesOf(session.patience.suspendFor(source))) {
      await importBatch(session, batch, options.onConflict, counts);
      session.patience.renew();
      progress.show(() => `${counts.imported.toLocaleString("en")} tasks imported`);
    }
  } catch (error) {
    progress.end();
    writeNote(terminal, options, summary(counts));
    if (error instanceof ImportConflict) throw conflict(error);
    if (!terminal.interrupted().aborted) throw ofPart(error, counts);
    writeNote(terminal, options, "Interrupted. To continue, run the same command with --on-conflict skip");
    throw new Interruption();
  }
  progress.end();
  writeNote(terminal, options, summary(counts));
}

/** A line of JSON begins with {" and a frame with its length; no message of ours begins with the field that " would mean. */
function looksLikeJson([first, second]: Uint8Array): boolean {
  return first === 0x7b && (second === 0x22 || second === 0x20);
}

function readFrames(tasks: DataInterface, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Task> {
  return tasks.decodeFrames(bytes, { maxBatchBytes: MAX_FRAME_BYTES }) as AsyncIterable<Task>;
}

async function* readJson(tasks: DataInterface, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Task> {
  let number = 0;
  for await (const line of readLines(bytes)) {
    number++;
    if (line.trim() !== "") yield tasks.fromHash(parseLine(line, number)) as Task;
  }
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    const text = `line ${number} of the input is not JSON: ${(error as Error).message}`;
    throw commandError(exitCodes.failed, "INVALID_LINE", text, "The lines before it have been imported.");
  }
}

/** Tasks in arrays of a maximum length. If reading fails, the tasks before the error are yielded first. */
async function* batchesOf(source: AsyncIterable<Task>): AsyncGenerator<readonly Task[]> {
  let batch: Task[] = [];
  try {
    for await (const task of source) {
      batch.push(task);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    if (batch.length > 0 && !(error instanceof Interruption)) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

/** A failure after some tasks were imported has the exit code of a partial success. */
function ofPart(thrown: unknown, { imported }: Counts): unknown {
  const error = isTaskError(thrown) ? fromTaskError(thrown) : thrown;
  const isPartial = imported > 0 && error instanceof CommandError && error.exitCode === exitCodes.failed;
  return isPartial ? new CommandError(exitCodes.checkFailed, error.problems) : error;
}

function summary({ imported, skipped }: Counts): string {
  return `Imported ${imported} tasks${skipped > 0 ? `, and left ${skipped} that were open already` : ""}.`;
}

function conflict({ task: { taskList, id } }: ImportConflict) {
  const text = `${taskList}/${id} is open already; the import has stopped before it`;
  const advice = "Leave such tasks as they are: --on-conflict skip\nReplace them: --on-conflict overwrite";
  return commandError(exitCodes.checkFailed, "ALREADY_OPEN", text, advice);
}
