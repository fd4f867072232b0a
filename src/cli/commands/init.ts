import { type Command, Option } from "commander";
import { checkProject, initProject } from "../init/run-init.js";
import type { Terminal } from "../terminal.js";

interface InitOptions {
  readonly check?: boolean;
  readonly force?: boolean;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prepares the project in this folder for task types in .proto files: writes buf.yaml, buf.gen.yaml and a copy of" +
        " taskledger's own .proto files, all without a network.",
    )
    .addOption(new Option("--check", "write nothing; report problems, including package versions").conflicts("force"))
    .option("--force", "add to buf.yaml and buf.gen.yaml what they lack; nothing in them is taken away")
    .addHelpText("after", help)
    .action(({ check, force = false }: InitOptions) => (check ? checkProject(terminal) : initProject(terminal, force)));
}

const help = `
buf.yaml and buf.gen.yaml are yours. Where they are there already they are kept, and what they lack is printed, with
the lines to add; the exit code is 3 then. With --force these lines are added. What contradicts them is left to you.

The copy of taskledger's .proto files (third_party/taskledger) is not to be edited. Files in it that differ from those
of the installed package, as after an update, are replaced, and named.

Nothing is written outside of this folder, nor through symbolic links.

Examples:
  taskledger init
  taskledger init --check`;
