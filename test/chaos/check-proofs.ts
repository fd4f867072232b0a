// Checks that each test which docs/failures.md names ran and passed.
//   tsx test/chaos/check-proofs.ts CHAOS-REPORT VITEST-REPORT …
import { readFileSync } from "node:fs";
import { type MatrixRow, readFailureMatrix } from "./failure-matrix.js";
import type { Report } from "./report.js";

interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const [chaos, ...tests] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8"))) as [
  Report,
  ...TestReport[],
];
const testResults = tests.flatMap((report) => report.testResults);
const missing = readFailureMatrix().filter((row) => !hasPassed(row));
for (const { fault, proof } of missing) console.error(`not proved: ${fault} (${JSON.stringify(proof)})`);
if (missing.length > 0) process.exitCode = 1;

function hasPassed({ fault, proof }: MatrixRow): boolean {
  if (proof === "chaos") return chaos.passed && chaos.faults.some((each) => each.fault === fault);
  const results = testResults
    .filter(({ name }) => name.endsWith(proof.file))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ title }) => isTitleOf(title, proof.title));
  return results.length > 0 && results.every(({ status }) => status === "passed");
}

/** Whether a title begins as the pattern says, in which each %s stands for anything, as in those of it.each. */
function isTitleOf(title: string, pattern: string): boolean {
  let end = 0;
  return pattern.split("%s").every((part, index) => {
    const start = title.indexOf(part, end);
    end = start + part.length;
    return index === 0 ? start === 0 : start >= 0;
  });
}
