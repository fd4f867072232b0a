import { printable } from "../inspection/printable.js";
import { CommandError, type ExitCode, exitCodes, Interruption, type Problem } from "./command-error.js";
import { fromTaskError, isTaskError } from "./task-error.js";
import { indented, type Output } from "./terminal.js";

/**
 * Prints an error as `error[CODE]: what is wrong`, and below it what to do. Returns the exit code of the
 * process.
 */
export function printError(thrown: unknown, err: Output): ExitCode {
  if (isInterruption(thrown)) return exitCodes.interrupted;
  const error = isTaskError(thrown) ? fromTaskError(thrown) : thrown;
  if (!(error instanceof CommandError)) {
    printProblem(unexpected(error), err);
    return exitCodes.failed;
  }
  error.problems.forEach((problem, index) => {
    if (index > 0) err.write("\n");
    printProblem(problem, err);
  });
  if (error.conclusion !== undefined) err.write(`\n${error.conclusion}\n`);
  return error.exitCode;
}

/** Whether it is an Interruption, or the error of a call that was aborted by one. */
function isInterruption(thrown: unknown): boolean {
  if (thrown instanceof Interruption) return true;
  const { outcome, cause } = Object(thrown) as { outcome?: unknown; cause?: unknown };
  return cause instanceof Interruption && outcome !== "unknown";
}

function printProblem({ code, text, advice }: Problem, err: Output): void {
  // A name in it must not look like another line.
  err.write(`${err.style("red", `error[${code}]:`)} ${printable(text).replaceAll("\n", "\n  ")}\n`);
  err.write(indented(printable(advice)).replace(/\n?$/, "\n"));
}

/** The user can fix errors of the file system; all others are bugs. */
function unexpected(error: unknown): Problem {
  const { code, path, syscall, message, stack } = error as NodeJS.ErrnoException;
  if (typeof code === "string" && syscall !== undefined) {
    if (syscall === "listen") return { code, text: message, advice: "Give another --port; 0 means any free port." };
    const where = path ?? "the file";
    return { code, text: message.replace(/^\w+: /, ""), advice: `Check ${where} and the rights to it, and try again.` };
  }
  return {
    code: "UNEXPECTED",
    text: error instanceof Error ? message : String(error),
    advice: `This is a bug in taskledger; please report it with the command and these lines:\n${stack ?? ""}`,
  };
}
