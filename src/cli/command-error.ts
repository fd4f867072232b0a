/** What the process exits with. Documented, and so frozen. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, checkFailed: 3 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something that a person has to mend. */
export interface Problem {
  /** Stable, in capitals, as it is printed: `error[MISSING_FILE]: …`. */
  readonly code: string;
  /** What is wrong, in one sentence without a full stop. */
  readonly text: string;
  /** What to do; several lines if need be. */
  readonly advice: string;
}

/** Ends a command: its problems are printed, and the process exits with the code. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly problems: readonly Problem[];
  /** Printed below the problems, where there is more to say than what each of them does. */
  readonly conclusion: string | undefined;

  constructor(exitCode: ExitCode, problems: readonly Problem[], conclusion?: string) {
    super(problems.map(({ code, text }) => `${code}: ${text}`).join("\n"));
    this.exitCode = exitCode;
    this.problems = problems;
    this.conclusion = conclusion;
  }
}
