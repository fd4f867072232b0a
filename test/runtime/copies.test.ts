import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { BulkError, DataInterface, existingTasks, isTaskError, TaskError } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { packageVersion } from "../../src/core/package-version.js";
import { failureOf } from "./failure.js";
import { idsOf } from "./stores.js";

// Two copies of the package in one process, as npm installs them for dependencies that want different versions.

type Copy = typeof import("taskledger") & { FetchFileTask: typeof FetchFileTask; MemoryAdapter: typeof MemoryAdapter };

const repository = join(import.meta.dirname, "../..");
let folder: string;
let other: Copy;

beforeAll(async () => {
  await mkdir(join(repository, ".cache"), { recursive: true });
  folder = await mkdtemp(join(repository, ".cache/copies-"));
  const outfile = join(folder, "taskledger.mjs");
  const contents = `
    export * from "./src/index.js";
    export { MemoryAdapter } from "./src/adapters/memory/index.js";
    export { FetchFileTask } from "./gen/example/v1/fetch_file_task.js";`;
  await build({
    stdin: { contents, resolveDir: repository },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["@bufbuild/protobuf", "uuid"],
    plugins: [
      {
        name: "another version",
        setup({ onLoad }) {
          onLoad({ filter: /package-version\.ts$/ }, () => ({ contents: 'export const packageVersion = "9.8.7";' }));
        },
      },
    ],
  });
  other = await import(pathToFileURL(outfile).href);
});

afterAll(() => rm(folder, { recursive: true }));

const key = { taskList: "datto.com", id: "file1" };
const bothVersions =
  `of this copy of taskledger (${packageVersion}); this one is of another copy (9.8.7). ` +
  "Install one, or hand over bytes (toBinary)";

describe("where two copies of the package meet", () => {
  test("a task of the other one is refused, and the error names both versions", async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    const stranger = other.FetchFileTask.build(key);
    expect(stranger).not.toBeInstanceOf(FetchFileTask);
    for (const act of [() => tasks.save(stranger), () => tasks.complete(stranger)])
      expect(await failureOf(act)).toMatchObject({
        code: "TYPE_MISMATCH",
        field: "task",
        message: `task: expected a task ${bothVersions}`,
      });
    expect(await idsOf(tasks.all("datto.com"))).toEqual([]);
  });

  test("so is one among many", async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    const error = await failureOf(() => tasks.saveAll([FetchFileTask.build(key), other.FetchFileTask.build(key)]));
    expect(error).toBeInstanceOf(BulkError);
    expect((error as BulkError).failures.map(({ error }) => error.message)).toEqual([
      `task: expected a task ${bothVersions}`,
    ]);
  });

  test("so is a class", async () => {
    const types = [FetchFileTask, other.FetchFileTask];
    expect(await failureOf(() => new DataInterface({ types, adapter: new MemoryAdapter() }))).toMatchObject({
      code: "TYPE_MISMATCH",
      field: "types[1]",
      message: `types[1]: expected a generated task class, or one that extends it ${bothVersions}`,
    });
  });

  test("bytes and hashes go from one to the other", async () => {
    const task = FetchFileTask.build({ ...key, filename: "file1.txt" });
    expect(other.FetchFileTask.fromBinary(task.toBinary())).toMatchObject({ filename: "file1.txt" });
    expect(other.FetchFileTask.fromHash(task.asHash())).toMatchObject({ filename: "file1.txt" });
  });

  test("an error of the other one is known as one", async () => {
    const error = await other.FetchFileTask.find("l", "i").catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(TaskError);
    expect(isTaskError(error)).toBe(true);
    expect(isTaskError(error, "NOT_CONFIGURED")).toBe(true);
    expect(isTaskError(error, "TIMEOUT")).toBe(false);
  });

  test("an adapter of the other one serves", async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new other.MemoryAdapter() });
    await tasks.create(FetchFileTask, key);
    expect(await idsOf(tasks.all("datto.com"))).toEqual(["file1"]);
    expect(await idsOf(existingTasks("datto.com", { tasks }))).toEqual(["file1"]);
  });

  test("each has a configured interface of its own", async () => {
    const tasks = other.configure({ types: [other.FetchFileTask], adapter: new other.MemoryAdapter() });
    expect(await failureOf(() => FetchFileTask.build(key).save())).toMatchObject({ code: "NOT_CONFIGURED" });
    await tasks.close();
  });
});

describe("what is no task, though it is of this copy", () => {
  test.each([
    ["a class", FetchFileTask, "a function (FetchFileTask); build a task of it first"],
    ["its prototype", FetchFileTask.prototype, "an object (FetchFileTask)"],
    ["bytes", FetchFileTask.build(key).toBinary(), "41 bytes"],
    ["nothing", undefined, "undefined"],
  ])("is not said to be of another: %s", async (_, value, described) => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    const error = await failureOf(() => tasks.save(value as never));
    expect(error).toMatchObject({ code: "TYPE_MISMATCH", field: "task" });
    expect(error.message.replace(/\d+ bytes/, "41 bytes")).toBe(`task: expected a task, got ${described}`);
  });
});
