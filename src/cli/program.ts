import { Command, CommanderError } from "commander";
import { packageVersion } from "../package-version.js";
import { type ExitCode, exitCodes } from "./command-error.js";
import { addGlobalOptions } from "./options/global-options.js";
import { printError } from "./print-error.js";
import type { Terminal } from "./terminal.js";

/** What a command's file exports: it gives a command its arguments, options and action. */
interface CommandModule {
  define(command: Command, terminal: Terminal): void;
}

/** The commands in the order of the help. Their files are loaded when they are named: the help itself needs none. */
const commands: Readonly<Record<string, readonly [summary: string, load: () => Promise<CommandModule>]>> = {
  init: ["prepare a project for task types in .proto files", () => import("./commands/init.js")],
  lists: ["what lists there are, and what is open in them", () => import("./commands/lists.js")],
  ls: ["what is open in a list", () => import("./commands/ls.js")],
  decode: ["print tasks from their bytes, without a store", () => import("./commands/decode.js")],
  export: ["write open tasks to a file", () => import("./commands/export.js")],
  import: ["save the tasks of an export", () => import("./commands/import.js")],
  watch: ["what is saved to a list, and what is gone from it", () => import("./commands/watch.js")],
  complete: ["take tasks off that are done", () => import("./commands/complete.js")],
  release: ["end a worker's claim", () => import("./commands/release.js")],
  show: ["all that is known of an open task", () => import("./commands/show.js")],
};

/** Runs `taskledger` with these arguments. Never rejects: what goes wrong is printed. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const program = createProgram(terminal);
    // Commands may have an option of this name.
    if (!args.some((arg) => Object.hasOwn(commands, arg)))
      program.version(packageVersion, "-V, --version", "print the version");
    await addCommands(program, args, terminal);
    await program.parseAsync(args, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    // Commander has printed its own errors, and the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return printError(error, terminal.err);
  }
}

function createProgram(terminal: Terminal): Command {
  const { out, err } = terminal;
  const program = new Command("taskledger")
    .description("Keeps tasks that must be done at least once.")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .option("--no-color", "print without colours; NO_COLOR=1 does the same")
    .on("option:no-color", () => {
      out.colored = false;
      err.colored = false;
    })
    .addHelpText("after", helpOnExitCodes)
    .configureHelp({ showGlobalOptions: true, styleTitle: (text) => out.style("bold", text) })
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHasColors: () => out.colored,
      getErrHasColors: () => err.colored,
      outputError: (text, write) => write(text.replace(/^error:/, err.style("red", "error[USAGE]:"))),
    })
    .exitOverride();
  addGlobalOptions(program);
  return program;
}

/** An option's value may happen to be a command's name, which does no harm here. */
async function addCommands(program: Command, args: readonly string[], terminal: Terminal): Promise<void> {
  for (const [name, [summary, load]] of Object.entries(commands)) {
    const command = program.command(name).summary(summary);
    if (args.includes(name)) (await load()).define(command, terminal);
  }
  for (const each of [program, ...program.commands, ...program.commands.flatMap(({ commands: own }) => own)])
    each.showHelpAfterError(`See ${[...ancestors(each), "--help"].join(" ")}`);
}

function ancestors(command: Command): string[] {
  return command.parent ? [...ancestors(command.parent), command.name()] : [command.name()];
}

const helpOnExitCodes = `
Exit codes: 0 done; 1 the store, or something else, failed; 2 wrong usage; 3 a check failed, or not all could be done;
4 the task is not open; 5 a newer version is open; 75 it may have been done, and can be tried again; 130 interrupted.`;
