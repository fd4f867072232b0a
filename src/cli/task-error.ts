import type { TaskError } from "../index.js";
import { formatDuration } from "../inspection/duration.js";
import { CommandError, type ExitCode, exitCodes, NoAnswer, type Problem } from "./command-error.js";

// Only the types of the package's errors are imported: printing help must not load the rest of the package.

/** An error of the library as a CommandError. */
export function fromTaskError(error: TaskError): CommandError {
  const { code, message, outcome, cause } = error;
  const isUnknown = outcome === "unknown";
  const problem: Problem =
    code === "ABORTED" && cause instanceof NoAnswer
      ? { code: "TIMEOUT", text: noAnswer(cause), advice: advices.TIMEOUT as string }
      : { code, text: withoutStop(message), advice: advices[code] ?? otherwise };
  const advice = isUnknown
    ? `${problem.advice}\nIt may have been done nevertheless; doing it again is safe.`
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
export const seeDoctor = "; taskledger doctor tells more.";

const reach = `Check that the store runs and can be reached from this host${seeDoctor}`;

const noExport =
  "The input is not an export of taskledger, or was damaged. The tasks before this place have been processed.";

const advices: Partial<Record<TaskError["code"], string>> = {
  INVALID_URL: "Correct the URL in --store, TASKLEDGER_STORE or the config file: docs/cli.md has one of each kind.",
  INVALID_KEY: "Give the list and the id as `taskledger ls` prints them.",
  INVALID_ARGUMENT: "See the command's --help.",
  UNKNOWN_TYPE: "Name the file with the types: --types tasks.binpb, which `buf build -o tasks.binpb` makes.",
  MISSING_DRIVER: "Install it where taskledger is installed, and run the command again.",
  SCHEMA_MISMATCH: "See what differs: taskledger schema check. Create what is missing: taskledger schema apply",
  CLOCK_SKEW: "Set this host's clock, for example by NTP, and run the command again.",
  UNSUPPORTED: "Another kind of store can do it: docs/cli.md says which.",
  UNAVAILABLE: reach,
  TIMEOUT: `${reach}\nGive it more time with --timeout.`,
  OVERLOADED: "Run the command again in a while.",
  TRUNCATED: "The input is incomplete. The tasks before its end have been processed.",
  INVALID_BATCH: noExport,
  INVALID_ENVELOPE: noExport,
  INVALID_HASH: noExport,
};
