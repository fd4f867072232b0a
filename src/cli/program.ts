import { Command, CommanderError } from "commander";
import { packageVersion } from "../core/package-version.js";
import { CommandError, type ExitCode, exitCodes } from "./command-error.js";
import { addInit } from "./init.js";
import { printError } from "./print-error.js";
import type { Terminal } from "./terminal.js";

/** Every command is one file with one function that adds it. */
const commands: readonly ((program: Command, terminal: Terminal) => void)[] = [addInit];

/** Runs `taskledger` with these arguments. Never rejects: what goes wrong is printed. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await createProgram(terminal).parseAsync(args, { from: "user" });
    return exitCodes.ok;
  } catch (error) {
    // Commander has printed its own errors, and the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    printError(error, terminal.err);
    return error instanceof CommandError ? error.exitCode : exitCodes.failed;
  }
}

function createProgram(terminal: Terminal): Command {
  const { out, err } = terminal;
  const program = new Command("taskledger")
    .description("Keeps tasks that must be done at least once.")
    .version(packageVersion, "-V, --version", "print the version")
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
  for (const add of commands) add(program, terminal);
  for (const each of [program, ...program.commands])
    each.showHelpAfterError(`See ${[...ancestors(each), "--help"].join(" ")}`);
  return program;
}

function ancestors(command: Command): string[] {
  return command.parent ? [...ancestors(command.parent), command.name()] : [command.name()];
}

const helpOnExitCodes = `
Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 a check failed.`;
