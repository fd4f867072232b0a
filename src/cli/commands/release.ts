import type { Command } from "commander";
import { LEAST_WAIT } from "../../adapter/claim-store.js";
import { TaskError } from "../../index.js";
import { viewClaim } from "../../inspection/claim-view.js";
import { commandError, exitCodes } from "../command-error.js";
import { checkConfirmation, confirm } from "../confirm.js";
import { findOpen, readClaims } from "../open-task.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { examples } from "../output/help.js";
import { RecordPrinter } from "../output/records.js";
import { openSession } from "../session.js";
import type { Terminal } from "../terminal.js";

interface ReleaseOptions extends GlobalOptions {
  readonly yes?: boolean;
}

interface Release {
  readonly taskList: string;
  readonly id: string;
  readonly owner: string;
  readonly result: "released";
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Ends the claim to a task, so that another worker can claim it at once. The worker that had it is not stopped: if it is" +
        " still working, the task is done twice.",
    )
    .argument("<list>", "the task list")
    .argument("<id>", "the task's id")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", examples("taskledger release acme.com file1", "taskledger release acme.com file1 --yes"))
    .action((list: string, id: string, _, self: Command) =>
      release(terminal, list, id, optionsOf<ReleaseOptions>(self)),
    );
}

async function release(terminal: Terminal, taskList: string, id: string, options: ReleaseOptions): Promise<void> {
  checkConfirmation(terminal, options.yes, "Confirm it with --yes.");
  await using session = await openSession(terminal, options, { access: "write", decodes: false });
  const { claims } = session.tasks.adapter;
  if (claims === undefined) throw new TaskError("UNSUPPORTED", "this store has no claims");
  const task = await findOpen(session, taskList, id);
  const [state] = (await readClaims(session, [task])) ?? [];
  const { owner, until } = viewClaim(state, task.envelope.savedAt ?? 0n, Date.now());
  if (state === undefined || owner === undefined) throw notClaimed(taskList, id, until);
  await confirm(terminal, session, `${owner} has ${taskList}/${id} until ${until}. End its claim?`, options.yes);
  await claims.release({ taskList, id, token: state.token }, LEAST_WAIT, { signal: session.signal });
  const printer = new RecordPrinter<Release>(terminal.out, { format: options.output, headers: false, columns });
  await printer.add({ taskList, id, owner, result: "released" });
  printer.end();
}

const columns = [
  { name: "RESULT", value: ({ result }: Release) => result },
  { name: "TASK", value: ({ taskList, id }: Release) => `${taskList}/${id}` },
  { name: "OWNER", value: ({ owner }: Release) => owner },
];

function notClaimed(taskList: string, id: string, waitsUntil: string | undefined) {
  const advice = waitsUntil
    ? `It waits to be tried again until ${waitsUntil}; saving it again ends that.`
    : "Any worker may claim it.";
  return commandError(exitCodes.notOpen, "NOT_CLAIMED", `nobody has a claim to ${taskList}/${id}`, advice);
}
