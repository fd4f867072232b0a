import { CommandError, type Problem } from "./command-error.js";
import { indented, type Output, printable } from "./terminal.js";

/** Prints an error the way all of ours look: `error[CODE]: what is wrong`, and below it what to do. */
export function printError(error: unknown, err: Output): void {
  if (!(error instanceof CommandError)) {
    printProblem(unexpected(error), err);
    return;
  }
  error.problems.forEach((problem, index) => {
    if (index > 0) err.write("\n");
    printProblem(problem, err);
  });
  if (error.conclusion !== undefined) err.write(`\n${error.conclusion}\n`);
}

function printProblem({ code, text, advice }: Problem, err: Output): void {
  err.write(`${err.style("red", `error[${code}]:`)} ${printable(text)}\n`);
  err.write(indented(printable(advice)).replace(/\n?$/, "\n"));
}

/** The file system's errors are for the user to mend, the others for us. */
function unexpected(error: unknown): Problem {
  const { code, path, syscall, message, stack } = error as NodeJS.ErrnoException;
  if (typeof code === "string" && syscall !== undefined) {
    const where = path === undefined ? "the files of the project" : path;
    return { code, text: message.replace(/^\w+: /, ""), advice: `Check ${where} and the rights to it, and try again.` };
  }
  return {
    code: "UNEXPECTED",
    text: error instanceof Error ? message : String(error),
    advice: `This is a fault of taskledger; please report it with what you ran and these lines:\n${stack ?? ""}`,
  };
}
