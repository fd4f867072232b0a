/** The exit codes of the process. They are documented, and must not change. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  checkFailed: 3,
  notOpen: 4,
  conflict: 5,
  /** EX_TEMPFAIL of sysexits.h: it may have been done, and may be tried again. */
  unknown: 75,
  /** As shells report a process that was ended by SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something that a person has to fix. */
export interface Problem {
  /** Stable, in capitals, as it is printed: `error[MISSING_FILE]: …`. */
  readonly code: string;
  /** What is wrong, in one sentence without a full stop. */
  readonly text: string;
  /** What to do; several lines if need be. */
  readonly advice: string;
}

/** The error that ends a command: its problems are printed, and the process exits with its code. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly problems: readonly Problem[];
  /** Printed below the problems: advice that belongs to all of them. */
  readonly conclusion: string | undefined;

  constructor(exitCode: ExitCode, problems: readonly Problem[], conclusion?: string) {
    super(problems.map(({ code, text }) => `${code}: ${text}`).join("\n"));
    this.exitCode = exitCode;
    this.problems = problems;
    this.conclusion = conclusion;
  }
}

/** An error of one problem. */
export function commandError(exitCode: ExitCode, code: string, text: string, advice: string): CommandError {
  return new CommandError(exitCode, [{ code, text, advice }]);
}

/** The reason of a signal that was aborted because somebody asked the command to end. */
export class Interruption extends Error {}

/** The reason of a signal that was aborted because the store did not answer within the timeout, in milliseconds. */
export class NoAnswer extends Error {
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(`no answer for ${milliseconds} ms`);
    this.milliseconds = milliseconds;
  }
}
