import type { Director } from "./director.js";
import type { Verdict } from "./group.js";
import type { Violation } from "./judge.js";
import { type FaultSummary, printSummaries, summarize } from "./summary.js";

/** The result of a run; `--report` writes it as JSON. */
export interface Report {
  readonly seed: number;
  readonly seconds: number;
  readonly passed: boolean;
  readonly faults: readonly FaultSummary[];
  /** Seconds from the first save to the first violation, if there was one. */
  readonly foundAfter: number | undefined;
  /** The same for each broken build. */
  readonly trials: Readonly<Record<string, number | undefined>>;
  readonly violations: readonly Violation[];
  /** All problems, for people. */
  readonly findings: readonly string[];
}

export async function reportOf(director: Director, seed: number, seconds: number): Promise<Report> {
  if (director.group === undefined) throw new Error("the play never began");
  const { history, violations, foundAfter, problems } = await director.group.judge();
  const verdicts = await Promise.all(
    [...director.trials].map(async ([name, group]) => [name, await group.judge()] as const),
  );
  const findings = [
    ...violations.map(({ kind, list, id, details }) => `${kind}: ${list} ${id}: ${details}`),
    ...[...director.problems, ...problems].map((problem) => `problem: ${problem}`),
    ...verdicts.flatMap(([name, verdict]) => judgeTrial(name, verdict)),
  ];
  return {
    seed,
    seconds,
    passed: findings.length === 0,
    faults: summarize(history, violations),
    foundAfter,
    trials: Object.fromEntries(verdicts.map(([name, verdict]) => [name, verdict.foundAfter])),
    violations,
    findings,
  };
}

/** A report for people. */
export function printReport({ faults, findings, foundAfter, trials }: Report): string {
  const found = Object.entries({ "this build": foundAfter, ...trials }).flatMap(([name, seconds]) =>
    seconds === undefined ? [] : [`${name}: the first violation came after ${seconds.toFixed(1)} s`],
  );
  const more = findings.length > FINDINGS ? [`… and ${findings.length - FINDINGS} more`] : [];
  return [printSummaries(faults), "", ...found, ...findings.slice(0, FINDINGS), ...more].join("\n");
}

/** How many are printed. */
const FINDINGS = 25;

/** A broken build must be detected. */
function judgeTrial(name: string, { violations, problems }: Verdict): string[] {
  const missed = violations.length === 0 ? [`the broken build ${name} was not found out`] : [];
  return [...missed, ...problems.map((problem) => `problem: ${problem}`)];
}
