import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TaskErrorCode } from "taskledger";
import { describe, expect, test } from "vitest";
import { repository } from "../plugin/tools.js";
import { failureOf } from "../runtime/failure.js";
import { failingCalls } from "./failing-calls.js";

// The compiler sees to it that only known codes are thrown; that each is thrown, and explained, is for these tests.

/** Where the other languages' packages name their codes. */
const otherLanguages: readonly [name: string, path: string, code: RegExp][] = [
  ["Python", "languages/python/src/taskledger_worker/errors.py", /^ {4}[A-Z_]+ = "([A-Z_]+)"/gm],
  ["Go", "languages/go/errors.go", /Code = "([A-Z_]+)"/g],
  ["Java", "languages/java/src/main/java/io/github/taskledger/worker/Code.java", /^ {2}([A-Z_]+),?$/gm],
];

const read = (path: string) => readFileSync(join(repository, path), "utf8");
const codes = [...read("src/core/errors.ts").matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, code]) => code as string);
const sections = read("docs/errors.md").split(/^## /m).slice(1);
const rows = sections.flatMap((section) => [...section.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)]);

const sources = readdirSync(join(repository, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && path !== join("core", "errors.ts") && !path.startsWith("testing"))
  .map((path) => read(`src/${path}`))
  .join("\n")
  .replace(/isTaskError\([^)]*\)/g, ""); // which asks for a code, and throws none
const thrown = [...sources.matchAll(/new (?:TaskError|BulkError)\(\s*"([A-Z_]+)"/g)].map(([, code]) => code as string);

describe("docs/errors.md", () => {
  test("has a line for each code, in the order of the source, and for nothing else", () => {
    expect(codes.length).toBeGreaterThan(25);
    expect(rows.map(([, code]) => code)).toEqual(codes);
  });

  test("has a line for each code that is thrown", () => {
    expect(thrown.length).toBeGreaterThan(50);
    expect(thrown.filter((code) => !codes.includes(code))).toEqual([]);
  });

  test.each(rows.map(([, code, meaning, advice]) => [code, meaning, advice] as const))(
    "says of %s what it means, and what to do",
    (_, meaning, advice) => {
      for (const text of [meaning, advice]) expect(text).toMatch(/^\S.{10,}[.:)]$/s);
    },
  );

  test.each(otherLanguages)("names the codes that %s has", (name, path, code) => {
    const own = [...read(path).matchAll(code)].map(([, found]) => found as string);
    expect(own.length).toBeGreaterThan(10);
    const [, listed = ""] = new RegExp(`^\\| ${name} \\| (.+) \\|$`, "m").exec(read("docs/errors.md")) ?? [];
    expect([...listed.matchAll(/`([A-Z_]+)`/g)].map(([, found]) => found)).toEqual(own.toSorted());
    for (const each of own) expect(codes).toContain(each);
  });
});

test.each(codes)("%s is thrown, and has a line in the source", async (code) => {
  expect(await failureOf(failingCalls[code as TaskErrorCode])).toMatchObject({ code });
  expect(read("src/core/errors.ts")).toMatch(new RegExp(`/\\*\\* .+ \\*/\\n {2}\\| "${code}"`));
});
