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
    .option("--force", "add to buf.yaml and buf.gen.yaml what they lack; nothing is removed from them")
    .addHelpText("after", help)
    .action(({ check, force = false }: InitOptions) => (check ? checkProject(terminal) : initProject(terminal, force)));
}

const help = `
buf.yaml and buf.gen.yaml are yours. Existing ones are kept: what they lack is printed, with the lines to add, and the
exit code is 3. With --force these lines are added; lines that contradict them are left to you.

Do not edit the copy of taskledger's .proto files (third_party/taskledger). Files in it that differ from those of the
installed package, for example after an update, are replaced, and their names are printed.

Nothing is written outside this folder, or through symbolic links.

Examples:
  taskledger init
  taskledger init --check`;
