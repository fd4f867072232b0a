import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../plugin/tools.js";
import { copyQuickStart, type UserProject } from "./project.js";
import { filePath, readBlocks } from "./readme.js";
import { toolFolder, toolVersions } from "./tools.js";

// The examples of docs/guide.md and README.md, and its quick start, compile as they are written, with its tsconfig.json and
// stricter options.

const compilers = ["typescript-5.7", "typescript-5.9", "typescript-6.0", "typescript-7.0"];

const pages = ["docs/guide.md", "README.md"].map((name) => readFileSync(join(repository, name), "utf8"));
const blocks = pages.flatMap((page) => readBlocks(page.split("\n"))).filter((block) => filePath(block) === undefined);
const examples = blocks.filter(({ language }) => language === "ts").map(({ lines }) => lines.join("\n"));
const protos = blocks.filter(({ language }) => language === "proto").map(({ lines }) => lines.join("\n"));

/** The pages' task types, and the one of which it shows no more than how its tasks are built. */
const proto = `syntax = "proto3";
package readme.v1;
import "taskledger/v1/options.proto";
${protos.join("\n")}
message Numbered {
  option (taskledger.v1.task) = {};
  int32 id = 1;
}
`;

/** What the examples take from elsewhere. Their data interface is the one with which the README begins. */
const surroundings = `
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import {
  CompositeTask, DataInterface, decodeFrames, encodeFrames, type ExecuteContext, existingTasks, fromBatch, isTaskError, recover, Task,
  TaskGenerator, toBatch,
} from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import { openStore } from "taskledger/store";
import { FetchFile } from "./fetch-file.js";
import { NumberedTask, SendMailTask } from "./gen/readme/v1/readme_task.js";

const types = ${/new DataInterface\(\{\s+types: (\[.*?\])/.exec(examples.join("\n"))?.[1]} as const;
declare const tasks: DataInterface<(typeof types)[number]>;
declare const task: FetchFile;
declare const manyTasks: readonly FetchFile[];
declare const source: AsyncIterable<FetchFile>;
declare const newTasks: AsyncIterable<FetchFile>;
declare const doneTasks: readonly FetchFile[];
declare const socket: Socket;
declare const signal: AbortSignal;
declare const traceparent: string;
declare function work(task: Task, signal: AbortSignal, token: bigint): Promise<void>;
`;

const program = [surroundings, ...examples.map((text, i) => `export async function example${i}() {\n${text}\n}`)];

const tsconfig = {
  extends: "./tsconfig.json",
  compilerOptions: {
    noEmit: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  },
};

let project: UserProject;

beforeAll(async () => {
  project = await copyQuickStart();
  await project.install("cassandra-driver");
  await project.write({
    "proto/readme/v1/readme.proto": proto,
    "src/examples.ts": program.join("\n"),
    "tsconfig.strict.json": JSON.stringify(tsconfig),
  });
  expect(await project.run("buf generate")).toMatchObject({ code: 0 });
});

afterAll(() => project.remove());

const tsc = (compiler: string) => `node '${toolFolder(compiler)}/bin/tsc' -p tsconfig.strict.json`;

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(10);
  expect(protos).toHaveLength(1);
});

test.each(compilers.map((name) => [name, toolVersions[name]]))("they compile, strictly, with %s (%s)", async (name) => {
  expect(await project.run(tsc(name))).toEqual({ code: 0, output: "" });
});

test("a mistake among them would be found", async () => {
  await project.write({ "src/mistake.ts": 'import { FetchFile } from "./fetch-file.js";\nFetchFile.build({});\n' });
  const { code, output } = await project.run(tsc("typescript-7.0"));
  expect(code).not.toBe(0);
  expect(output).toMatch(/^src\/mistake\.ts\(2,17\): error /);
});
