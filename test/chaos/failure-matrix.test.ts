import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readFailureMatrix } from "./failure-matrix.js";
import { faults } from "./faults.js";
import { everyFault } from "./plan.js";

const matrix = readFailureMatrix();
const chaos = matrix.filter(({ proof }) => proof === "chaos").map(({ fault }) => fault);

test("docs/failures.md has a row for each fault that a run of chaos can inflict, and CI inflicts each", async () => {
  const inflicted: string[] = [];
  const scene = { cluster: { settled: async () => undefined } } as never;
  await everyFault(async ({ name }) => void inflicted.push(name), scene);
  expect(chaos.sort()).toEqual(faults.map(({ name }) => name).sort());
  expect(inflicted.sort()).toEqual(chaos);
});

const tests = matrix.flatMap(({ fault, proof }) => (proof === "chaos" ? [] : [{ fault, ...proof }]));

test.each(tests)("docs/failures.md names a test that exists for: $fault", ({ file, title }) => {
  expect(existsSync(file)).toBe(true);
  const source = readFileSync(file, "utf8");
  // CI looks for tests whose titles begin with it.
  expect(['"', "'", "`"].some((quote) => source.includes(`${quote}${title}`))).toBe(true);
});
