import { Command, CommanderError } from "commander";
import { packageVersion } from "../core/package-version.js";
import { printable } from "../inspection/printable.js";
import { type ExitCode, exitCodes } from "./command-error.js";
import { addGlobalOptions } from "./options/global-options.js";
import { printError } from "./print-error.js";
import type { Terminal } from "./terminal.js";

/** What a command's file exports: it gives a command its arguments, options and action. */
interface CommandModule {
  define(command: Command, terminal: Terminal): void;
}

/** A command's arguments and summary for the help, and its file. */
type Entry = readonly [args: string, summary: string, load: () => Promise<CommandModule>];

/** In the order of the help. A command's file is loaded when the command is named: the help itself needs none. */
const commands: Readonly<Record<string, Entry>> = {
  init: ["", "prepare a project for task types in .proto files", () => import("./commands/init.js")],
  schema: ["<action>", "print, make or check a store's tables", () => import("./commands/schema.js")],
  doctor: ["", "check a store for problems", () => import("./commands/doctor.js")],
  lists: ["[list...]", "print the lists that have open tasks", () => import("./commands/lists.js")],
  ls: ["<list>", "print the open tasks of a list", () => import("./commands/ls.js")],
  show: ["<list> <id>", "print one open task with all its fields", () => import("./commands/show.js")],
  complete: ["<list> <id>", "complete tasks, as a worker does", () => import("./commands/complete.js")],
  release: ["<list> <id>", "end a worker's claim", () => import("./commands/release.js")],
  revive: ["<list> [id...]", "take dead letters back, to be done again", () => import("./commands/revive.js")],
  export: ["[list...]", "write open tasks to a file", () => import("./commands/export.js")],
  import: ["[file]", "save the tasks of an export", () => import("./commands/import.js")],
  decode: ["[file]", "print tasks from their bytes, without a store", () => import("./commands/decode.js")],
  board: ["", "serve a web page that shows open tasks", () => import("./commands/board.js")],
  watch: ["<list>", "print the tasks that a list gains and loses", () => import("./commands/watch.js")],
};

/** Runs `taskledger` with these arguments. Never rejects: errors are printed. */
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
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (text) => out.style("bold", text),
      subcommandTerm: (command) => `${command.name()} ${commands[command.name()]?.[0]}`.trimEnd(),
    })
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHasColors: () => out.colored,
      getErrHasColors: () => err.colored,
      outputError: (text, write) => write(printable(text).replace(/^error:/, err.style("red", "error[USAGE]:"))),
    })
    .exitOverride();
  addGlobalOptions(program);
  return program;
}

/** An option's value may equal a command's name; then one command more is loaded, which does no harm. */
async function addCommands(program: Command, args: readonly string[], terminal: Terminal): Promise<void> {
  for (const [name, [, summary, load]] of Object.entries(commands)) {
    const command = program.command(name).summary(summary);
    if (args.includes(name)) (await load()).define(command, terminal);
  }
  for (const each of [program, ...program.commands])
    each.showHelpAfterError(`See ${[...ancestors(each), "--help"].join(" ")}`);
}

function ancestors(command: Command): string[] {
  return command.parent ? [...ancestors(command.parent), command.name()] : [command.name()];
}

const helpOnExitCodes = `
Exit codes: 0 done; 1 the store, or something else, failed; 2 wrong usage; 3 a check failed, or not all could be done;
4 the task is not open; 5 a newer version is open; 75 it may have been done, and can be tried again; 130 interrupted.`;
