import type { TaskError } from "../index.js";
import { formatDuration } from "../inspection/duration.js";
import { CommandError, type ExitCode, exitCodes, NoAnswer, type Problem } from "./command-error.js";

// Of the package's own errors only the types are imported: printing help must not load the rest.

/** An error of the library as one of the command line. */
export function fromTaskError(error: TaskError): CommandError {
  const { code, message, outcome, cause } = error;
  const isUnknown = outcome === "unknown";
  const problem: Problem =
    code === "ABORTED" && cause instanceof NoAnswer
      ? { code: "TIMEOUT", text: noAnswer(cause), advice: advices.TIMEOUT as string }
      : { code, text: withoutStop(message), advice: advices[code] ?? otherwise };
  const advice = isUnknown
    ? `${problem.advice}\nIt may have been done all the same; doing it again is safe.`
    : problem.advice;
  return new CommandError(isUnknown ? exitCodes.unknown : exitCodeOf(code), [{ ...problem, advice }]);
}

export function isTaskError(error: unknown): error is TaskError {
  return error instanceof Error && error.name === "TaskError" && typeof (error as TaskError).code === "string";
}

function noAnswer({ milliseconds }: NoAnswer): string {
  return `the store has not answered for ${formatDuration(milliseconds)}`;
}

function withoutStop(message: string): string {
  return message.replace(/\.$/, "");
}

function exitCodeOf(code: TaskError["code"]): ExitCode {
  return ["INVALID_URL", "INVALID_KEY", "INVALID_ARGUMENT"].includes(code) ? exitCodes.usage : exitCodes.failed;
}

const otherwise = "Nothing was changed.";

/** The end of an advice, which doctor itself leaves out. */
export const seeDoctor = "; taskledger doctor says more.";

const reach = `Check that the store runs and can be reached from this host${seeDoctor}`;

const advices: Partial<Record<TaskError["code"], string>> = {
  INVALID_URL: "Give --store, TASKLEDGER_STORE or the config file another URL: docs/cli.md has one of each kind.",
  INVALID_KEY: "Give the list and the id as `taskledger ls` prints them.",
  INVALID_ARGUMENT: "See the command's --help.",
  UNKNOWN_TYPE: "Name the file with the types: --types tasks.binpb, which `buf build -o tasks.binpb` makes.",
  MISSING_DRIVER: "Install it where taskledger is installed, and run the command again.",
  SCHEMA_MISMATCH: "See what differs: taskledger schema check. What is missing is made by: taskledger schema apply",
  CLOCK_SKEW: "Set this host's clock (NTP does), and run the command again.",
  UNSUPPORTED: "Another kind of store can do it: docs/cli.md says which.",
  UNAVAILABLE: reach,
  TIMEOUT: `${reach}\nGive it more time with --timeout.`,
  OVERLOADED: "Run the command again in a while.",
  TRUNCATED: "The input is not whole. What was read before has been dealt with.",
  INVALID_BATCH: "The input is no export of taskledger, or was damaged. What was read before has been dealt with.",
  INVALID_ENVELOPE: "The input is no export of taskledger, or was damaged. What was read before has been dealt with.",
  INVALID_HASH: "The input is no export of taskledger, or was damaged. What was read before has been dealt with.",
};
