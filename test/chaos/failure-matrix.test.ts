import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** A file of tests, and those beside it that it imports: some cases run on several stores. */
function sourcesOf(file: string): string[] {
  const source = readFileSync(file, "utf8");
  const beside = [...source.matchAll(/from "\.\/([\w-]+)\.js"/g)].map(([, name]) => join(dirname(file), `${name}.ts`));
  return [source, ...beside.map((each) => readFileSync(each, "utf8"))];
}

const tests = matrix.flatMap(({ fault, proof }) => (proof === "chaos" ? [] : [{ fault, ...proof }]));

test.each(tests)("docs/failures.md names a test that exists for: $fault", ({ file, title }) => {
  expect(existsSync(file)).toBe(true);
  const source = sourcesOf(file).join("\n");
  // CI looks for tests whose titles begin with it.
  expect(['"', "'", "`"].some((quote) => source.includes(`${quote}${title}`))).toBe(true);
});
