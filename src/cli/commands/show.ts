import type { Command } from "commander";
import { rawBytes } from "../../inspection/data-view.js";
import { findOpen } from "../open-task.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { checkBinary } from "../output/binary.js";
import { examples } from "../output/help.js";
import { printTask } from "../output/task-details.js";
import { openSession } from "../session.js";
import { viewSome } from "../task-views.js";
import type { Terminal } from "../terminal.js";

interface ShowOptions extends GlobalOptions {
  readonly raw?: boolean;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prints an open task: its data as JSON, its headers, its version, who has claimed it. Exits with 4 if it is not open.",
    )
    .argument("<list>", "the task list")
    .argument("<id>", "the task's id")
    .option("--raw", "write only the envelope's bytes; for a damaged task, the bytes in the store")
    .addHelpText("after", examples("taskledger show acme.com file1", "taskledger show acme.com file1 --raw >task.bin"))
    .action((list: string, id: string, _, self: Command) => show(terminal, list, id, optionsOf<ShowOptions>(self)));
}

async function show(terminal: Terminal, list: string, id: string, options: ShowOptions): Promise<void> {
  const { out } = terminal;
  if (options.raw) checkBinary(out);
  await using session = await openSession(terminal, options, { access: "read" });
  const task = await findOpen(session, list, id);
  if (options.raw) out.write(rawBytes(task));
  else for (const view of await viewSome(session, [task])) printTask(out, view, options.output);
}
