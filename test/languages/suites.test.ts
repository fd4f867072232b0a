import { describe, expect, test } from "vitest";
import { prepareLanguages, runToEnd } from "./prepare.js";

const prepared = await prepareLanguages();

/** The closing line of each test runner, which says that it ran the vectors. */
const passed = /\b\d{3,} passed|Tests run: \d{3,}, Failures: 0, Errors: 0|ok\s+taskledger/;

for (const { language, missing } of prepared)
  if (missing !== undefined) console.warn(`The worker in ${language.name} is left out: ${missing}.`);

describe.each(prepared)("the worker in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);

  test("passes its own tests, every vector among them", { timeout: 300_000 }, async () => {
    expect(await runToEnd(language.test)).toMatch(passed);
  });
});
