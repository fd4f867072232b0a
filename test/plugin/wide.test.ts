import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundlePlugin } from "../../scripts/build-package.js";
import { messages } from "../runtime/arbitrary.js";
import { generateCodecs, type Subject } from "../wire/codecs.js";
import { tryDecoding, tryEncoding } from "../wire/trials.js";
import { generate, writeFiles } from "./generate.js";
import { binPath, bufPath, repository } from "./tools.js";
import { type WideKind, wideKinds, wideName, wideProto } from "./wide.js";

const run = promisify(execFile);

/** The most fields with which a message has a codec. */
const MOST = 250;

/** Wide ones, as protobuf-es compiles them: one oneof of 1,000 takes it as long as 2,000 other fields. */
const widthOf = (kind: WideKind) => (kind === "oneof" ? 1000 : 2000);

const LONG = { timeout: 120_000 };

test.each<WideKind>(["strings", "oneof"])("a message of %s has a codec if it has at most 250 fields", async (kind) => {
  const modulesOf = async (width: number) => Object.keys((await generate(wideProto(kind, width))).files);
  expect(await modulesOf(MOST)).toEqual(["example_task.ts", "example_codec.ts"]);
  expect(await modulesOf(MOST + 1)).toEqual(["example_task.ts"]);
});

describe("with 250 fields, a codec does as protobuf-es does", () => {
  const subjects = generateCodecs(
    Object.fromEntries(wideKinds.map((kind) => [`${kind}.proto`, wideProto(kind, MOST)])),
  );

  test.each(wideKinds)("%s", async (kind) => {
    const subject = (await subjects).get(wideName(kind)) as Subject;
    const { schema } = subject;
    for (const message of fc.sample(messages(schema, { depth: 1, unknown: false }), 10)) {
      expect(tryEncoding(subject, message)).toBe("codec");
      expect(tryDecoding(subject, toBinary(schema, message))).toBe("codec");
    }
  });
});

test("a message that holds a wide one reads it, by protobuf-es", async () => {
  const source = wideProto("strings", MOST + 1).replace("  option (taskledger.v1.task) = {};\n", "");
  const holder = "message Holder { option (taskledger.v1.task) = {}; WideStrings wide = 1; string name = 2; }";
  const subject = (await generateCodecs({ "wide.proto": source + holder })).get("wide.strings.Holder") as Subject;
  const sample = fc.sample(messages(subject.schema, { depth: 1, unknown: false }), 50);
  const ways = sample.map((message) => [
    tryEncoding(subject, message),
    tryDecoding(subject, toBinary(subject.schema, message)),
  ]);
  const expected = sample.map((message) => ("wide" in message ? "protobuf-es" : "codec"));
  expect(ways).toEqual(expected.map((way) => [way, way]));
  expect(new Set(expected).size).toBe(2);
});

describe("in a user's project", () => {
  let project: string;

  beforeAll(async () => {
    await mkdir(join(repository, ".cache"), { recursive: true });
    project = await mkdtemp(join(repository, ".cache/wide-"));
    await cp(join(repository, "proto/taskledger"), join(project, "own/taskledger"), { recursive: true });
    const protos = wideKinds.flatMap((kind) => [
      [`proto/${kind}.proto`, wideProto(kind, widthOf(kind))],
      [`proto/most/${kind}.proto`, wideProto(kind, MOST).replace("package wide.", "package most.")],
    ]);
    const opt = ["target=ts", "import_extension=js", "map_imports=taskledger/v1/:taskledger/gen"];
    const plugins = [
      { local: ["node", binPath("protoc-gen-es")], out: "gen", opt: [...opt, "erasable_syntax=true"] },
      { local: ["node", "plugin.mjs"], out: "gen", opt },
    ];
    await writeFiles(project, {
      ...Object.fromEntries(protos),
      "buf.yaml": JSON.stringify({ version: "v2", modules: [{ path: "proto" }, { path: "own" }] }),
      "buf.gen.yaml": JSON.stringify({ version: "v2", inputs: [{ directory: "proto" }], plugins }),
      "tsconfig.json": JSON.stringify({
        extends: "../../tsconfig.json",
        compilerOptions: {
          paths: {
            taskledger: ["../../src/index.ts"],
            "taskledger/wire": ["../../src/wire/index.ts"],
            "taskledger/gen/*.js": ["../../gen/*.ts"],
          },
        },
        include: ["gen", "use.ts"],
      }),
      "use.ts": `
import type { WideStringsTask } from "./gen/strings_task.js";
export const last = (task: WideStringsTask): string => task.field2000;
// @ts-expect-error it is a string
export const wrong = (task: WideStringsTask): number => task.field2000;
// @ts-expect-error it can't be set
export const set = (task: WideStringsTask) => { task.field2000 = ""; };
`,
    });
    await bundlePlugin(join(project, "plugin.mjs"));
    await run(bufPath, ["generate"], { cwd: project });
  }, 120_000);

  afterAll(() => rm(project, { recursive: true }));

  const errors = async () =>
    (await run(binPath("tsc"), ["-p", project]).catch((error: { stdout: string }) => error)).stdout;

  test("they compile, whether they have a codec or not, and their accessors have types", LONG, async () => {
    expect(await errors()).toBe("");
  });

  test("no compiler checks the code of more than 1,000 accessors, which fits its types", LONG, async () => {
    for (const kind of wideKinds) {
      const path = join(project, `gen/${kind}_task.ts`);
      const code = await readFile(path, "utf8");
      expect(code.includes("// @ts-nocheck\n"), kind).toBe(kind !== "oneof");
      await writeFile(path, code.replace("// @ts-nocheck\n", ""));
    }
    expect(await errors()).toBe("");
  });
});
