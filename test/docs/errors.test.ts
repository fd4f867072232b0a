import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { repository } from "../plugin/tools.js";

// The compiler sees to it that only known codes are thrown; that each is thrown, and explained, is for these tests.

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
});

test.each(codes)("%s is thrown, and has a line in the source", (code) => {
  expect(sources).toContain(`"${code}"`);
  expect(read("src/core/errors.ts")).toMatch(new RegExp(`/\\*\\* .+ \\*/\\n {2}\\| "${code}"`));
});
