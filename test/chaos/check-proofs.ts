// Checks that each test which docs/failures.md names ran and passed. One that was left out is an error, too, if CI is set.
//   tsx test/chaos/check-proofs.ts CHAOS-REPORT VITEST-REPORT …
import { readFileSync } from "node:fs";
import { readFailureMatrix } from "./failure-matrix.js";
import { proofOf, type TestReport } from "./proofs.js";
import type { Report } from "./report.js";

const [chaos, ...tests] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8"))) as [
  Report,
  ...TestReport[],
];
for (const row of readFailureMatrix()) {
  const proof = proofOf(row, chaos, tests);
  if (proof.is === "proved") continue;
  const reason = proof.is === "left out" ? `left out: ${proof.title}` : JSON.stringify(row.proof);
  console.error(`not proved: ${row.fault} (${reason})`);
  if (proof.is === "not proved" || process.env.CI) process.exitCode = 1;
}
