import type { Command } from "commander";
import { type DataInterface, isTaskError, type Task } from "../../index.js";
import { registryOf } from "../../inspection/data-view.js";
import { type TaskView, viewTask } from "../../inspection/task-view.js";
import { commandError, exitCodes } from "../command-error.js";
import { openInput, readLines } from "../input.js";
import { readConfig } from "../options/config.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { examples } from "../output/help.js";
import { RecordPrinter } from "../output/records.js";
import { printTask } from "../output/task-details.js";
import { MAX_FRAME_BYTES, readingInterface } from "../reading.js";
import type { Terminal } from "../terminal.js";
import { loadTaskClasses } from "../types/task-classes.js";

interface DecodeOptions extends GlobalOptions {
  readonly base64?: boolean;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prints tasks from their bytes: one (task.toBinary), a batch (toBatch), or a stream of frames (encodeFrames). It needs no store.",
    )
    .argument("[file]", "the bytes; by default the standard input")
    .option("--base64", "each line is a task, or a batch, in base64")
    .addHelpText(
      "after",
      examples(
        "taskledger decode task.bin --types tasks.binpb",
        "kcat -C -t fetch -c 1 -D '' | taskledger decode --json",
      ),
    )
    .action((file: string | undefined, _, self: Command) => decode(terminal, file, optionsOf<DecodeOptions>(self)));
}

async function decode(terminal: Terminal, file: string | undefined, options: DecodeOptions): Promise<void> {
  const config = await readConfig(terminal.cwd, options.config);
  const types = await loadTaskClasses(terminal.cwd, options.types ?? [], config);
  const tasks = readingInterface(types);
  const registry = registryOf(types);
  const { out } = terminal;
  const printer = new RecordPrinter<TaskView>(out, { format: options.output, headers: false, columns: [] });
  let count = 0;
  for await (const task of readTasks(tasks, openInput(terminal, file), options.base64 ?? false)) {
    const view = viewTask(task, { registry });
    if (options.output !== "table") await printer.add(view);
    else {
      if (count++ > 0) out.write("\n");
      printTask(out, view, "table");
      await out.ready();
    }
    if (out.isClosed) return;
  }
  if (options.output !== "table") printer.end();
}

async function* readTasks(
  tasks: DataInterface,
  input: AsyncIterable<Uint8Array>,
  isBase64: boolean,
): AsyncGenerator<Task> {
  if (!isBase64) return yield* tasksOf(tasks, await readAll(input), "the input");
  let number = 0;
  for await (const line of readLines(input)) {
    number++;
    if (line.trim() !== "") yield* tasksOf(tasks, Buffer.from(line, "base64"), `line ${number} of the input`);
  }
}

/** Tries each form: bytes that are valid in one are invalid in the others. */
async function* tasksOf(tasks: DataInterface, bytes: Uint8Array, name: string): AsyncGenerator<Task> {
  const reasons: unknown[] = [];
  const attempts = [
    () => [tasks.fromBinary(bytes)],
    () => tasks.fromBatch(bytes, { maxBatchBytes: MAX_FRAME_BYTES }),
    () => tasks.decodeFrames([bytes], { maxBatchBytes: MAX_FRAME_BYTES }),
  ];
  for (const attempt of attempts) {
    let count = 0;
    try {
      for await (const task of attempt() as AsyncIterable<Task>) {
        count++;
        yield task;
      }
      if (count > 0) return;
    } catch (error) {
      if (!isTaskError(error) || count > 0) throw error;
      reasons.push(error.message);
    }
  }
  const text = `${name} is no task, no batch and no stream of frames: ${reasons[0] ?? "it is empty"}`;
  throw commandError(exitCodes.failed, "INVALID_INPUT", text, "Is it in base64 (--base64), or compressed?");
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > MAX_INPUT_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** It is held in memory as a whole. */
const MAX_INPUT_BYTES = 256 * 1024 * 1024;

function tooLarge() {
  const text = `the input has more than ${MAX_INPUT_BYTES} bytes`;
  return commandError(
    exitCodes.failed,
    "TOO_LARGE",
    text,
    "Import it into a store of its own, and look there: taskledger ls",
  );
}
