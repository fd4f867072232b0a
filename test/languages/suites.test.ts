import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { repository } from "./languages.js";
import { prepareLanguages, runToEnd } from "./prepare.js";

const prepared = await prepareLanguages();

/** The closing line of each test runner, which says that it ran the vectors. */
const passed = /\b\d{3,} passed|Tests run: \d{3,}, Failures: 0, Errors: 0|ok\s+github.com\/taskledger/;

/** What docs/failures.md says of tasks that fail: the name of the test in each language, and what its runner says of it. */
const proofs = {
  "a handler that throws, an unknown type, an unsaved task and a frame that is no task keep nobody else from being done":
    {
      Python: "test_what_fails_is_logged_and_keeps_nobody_else_from_being_done",
      Go: "TestWhatFailsIsLoggedAndKeepsNobodyElseFromBeingDone",
      Java: "whatFailsIsLoggedAndKeepsNobodyElseFromBeingDone",
    },
  "whatever a handler throws, the others are done": {
    Python: "test_whatever_a_handler_raises_is_logged_and_keeps_nobody_else_from_being_done",
    Go: "TestHoweverAHandlerEndsItIsLoggedAndKeepsNobodyElseFromBeingDone",
    Java: "whateverAHandlerThrowsIsLoggedAndKeepsNobodyElseFromBeingDone",
  },
  "a truncated stream is TRUNCATED after what came before is done": {
    Python: "test_a_truncated_stream_is_told_after_what_came_before_is_done",
    Go: "TestATruncatedStreamIsToldAfterWhatCameBeforeIsDone",
    Java: "aTruncatedStreamIsToldAfterWhatCameBeforeIsDone",
  },
} as const;
const itPassed = /^[1-9]\d* passed|^--- PASS: Test\w+ |Tests run: [1-9]\d*, Failures: 0, Errors: 0, Skipped: 0/m;

for (const { language, missing } of prepared)
  if (missing !== undefined) console.warn(`The worker in ${language.name} is left out: ${missing}.`);

describe.each(prepared)("the worker in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  const { checks, generate } = language;

  test("passes its own tests, every vector among them", { timeout: 300_000 }, async () => {
    expect(await runToEnd(language.test)).toMatch(passed);
  });

  test.each(Object.entries(proofs))("%s", { timeout: 300_000 }, async (_, names) => {
    expect(await runToEnd(language.oneTest(names[language.name]))).toMatch(itPassed);
  });

  if (Object.keys(checks).length > 0)
    test.each(Object.entries(checks))("passes %s", { timeout: 300_000 }, async (_, command) => {
      await runToEnd(command);
    });

  if (generate === undefined) return;

  test("has the generated code that the .proto files make", { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskledger-generated-"));
    await runToEnd(generate(folder));
    const files = (await filesIn(folder)).filter((file) => /taskledger|example/.test(file));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files)
      expect(await readFile(join(language.folder, file), "utf8"), file).toBe(
        await readFile(join(folder, file), "utf8"),
      );
    await rm(folder, { recursive: true });
  });

  test("has the .proto files, for those of its users", async () => {
    const protos = (await filesIn(language.folder)).filter((file) =>
      /(?<!node_modules.*)taskledger\/v1\/\w+\.proto$/.test(file),
    );
    const own = (await filesIn(join(repository, "proto"))).filter((file) => file.startsWith("taskledger/"));
    const shipped = protos.filter((file) => !/^(build|target)/.test(file));
    expect(shipped).toHaveLength(own.length);
    for (const file of shipped) {
      const original = join(repository, "proto", file.slice(file.lastIndexOf("taskledger/v1/")));
      expect(await readFile(join(language.folder, file), "utf8"), file).toBe(await readFile(original, "utf8"));
    }
  });
});

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}
