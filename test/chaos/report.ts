import type { Director } from "./director.js";
import type { Verdict } from "./group.js";
import type { Violation } from "./judge.js";
import { type FaultSummary, summarize } from "./summary.js";

/** What came of a run; `--report` writes it as JSON. */
export interface Report {
  readonly seed: number;
  readonly seconds: number;
  readonly passed: boolean;
  readonly faults: readonly FaultSummary[];
  /** How many violations each broken build was caught at. */
  readonly trials: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** All that is wrong, for people. */
  readonly findings: readonly string[];
}

export async function reportOf(director: Director, seed: number, seconds: number): Promise<Report> {
  if (director.group === undefined) throw new Error("the play never began");
  const { history, violations, problems } = await director.group.judge();
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
    trials: Object.fromEntries(verdicts.map(([name, verdict]) => [name, verdict.violations.length])),
    violations,
    findings,
  };
}

/** A broken build has to be found out. */
function judgeTrial(name: string, { violations, problems }: Verdict): string[] {
  const missed = violations.length === 0 ? [`the broken build ${name} was not found out`] : [];
  return [...missed, ...problems.map((problem) => `problem: ${problem}`)];
}
