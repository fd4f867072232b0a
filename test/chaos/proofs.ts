import type { MatrixRow } from "./failure-matrix.js";
import type { Report } from "./report.js";

/** The part of vitest's report that is used. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly TestResult[];
  }[];
}

interface TestResult {
  readonly title: string;
  readonly status: string;
  /** With the titles of its groups, one of which may tell why the test was left out. */
  readonly fullName?: string;
}

/** Whether the test of a row has passed; if it was left out, its title, which has the reason. */
export type Proof = { readonly is: "proved" | "not proved" } | { readonly is: "left out"; readonly title: string };

/** What a run of chaos and the reports of test runs prove of a row. Without its test it is not proved. */
export function proofOf({ fault, proof }: MatrixRow, chaos: Report, reports: readonly TestReport[]): Proof {
  if (proof === "chaos") return proved(chaos.passed && chaos.faults.some((each) => each.fault === fault));
  const results = reports
    .flatMap(({ testResults }) => testResults)
    .filter(({ name }) => name.endsWith(proof.file))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => isTitleOf(title, proof.title));
  const open = results.filter(({ status }) => status !== "passed");
  const [first] = open;
  if (first && open.every(({ status }) => status === "skipped" || status === "pending"))
    return { is: "left out", title: first.fullName ?? first.title };
  return proved(results.length > 0 && open.length === 0);
}

function proved(isSo: boolean): Proof {
  return { is: isSo ? "proved" : "not proved" };
}

/** Whether a title begins with the pattern, in which each %s stands for anything, as in it.each. */
function isTitleOf(title: string, pattern: string): boolean {
  let end = 0;
  return pattern.split("%s").every((part, index) => {
    const start = title.indexOf(part, end);
    end = start + part.length;
    return index === 0 ? start === 0 : start >= 0;
  });
}
