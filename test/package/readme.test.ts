import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { matches, readSteps, takeInstalls } from "./readme.js";

describe("the steps of a page", async () => {
  const guide = await readFile(join(import.meta.dirname, "fixtures/guide.md"), "utf8");

  test("are the commands, files and outputs of one section", () => {
    expect(readSteps(guide, "Quick start")).toEqual([
      {
        kind: "run",
        commands:
          'npm install taskledger @bufbuild/protobuf@^2.17 \\\n  "a-driver@3"\nnpm install --save-dev typescript\necho installed',
        expected: undefined,
      },
      {
        kind: "file",
        path: "proto/acme/v1/fetch.proto",
        text: '// proto/acme/v1/fetch.proto\nsyntax = "proto3";\n',
      },
      { kind: "file", path: "tsconfig.json", text: '{ "files": ["src/main.ts"] }\n' },
      { kind: "file", path: "src/main.ts", text: '// src/main.ts\n# Quick start\nconsole.log("hello");\n' },
      { kind: "run", commands: "# Compiles, and\ntsc\nnode dist/main.js", expected: "hello\n… took … ms" },
    ]);
  });

  test("are those of any line end", () => {
    expect(readSteps(guide.replaceAll("\n", "\r\n"), "Quick start")).toEqual(readSteps(guide, "Quick start"));
  });

  test("are undefined where there is no such section", () => {
    expect(readSteps(guide, "Slow start")).toBeUndefined();
    expect(readSteps("```md\n## Quick start\n```", "Quick start")).toBeUndefined();
  });
});

test.each([
  ["hello\n", "hello", true],
  ["hello \nyou\n\n", "hello\nyou", true],
  ["hello\nyou", "hello", false],
  ["hello", "hell.", false],
  ["took 12 ms", "took … ms", true],
  ["took ms", "took … ms", false],
  ["a\nb\nc", "a\n…\nc", true],
  ["a\nb\nc\nd", "a\n…", true],
  ["a\nb\nc\nd", "a\n…\nc", false],
])("the output %j of %j: %s", (output, expected, result) => {
  expect(matches(output, expected)).toBe(result);
});

test("what commands install is taken out of them", () => {
  const commands = `npm install a @b/c@^2.17 \\\n  "d@3" 'e'\nnpm run x\nnpm i -D f @g/h\nnpm install\necho npm install z`;
  expect(takeInstalls(commands)).toEqual({
    names: ["a", "@b/c", "d", "e", "f", "@g/h"],
    rest: "npm run x\nnpm install\necho npm install z",
  });
});
