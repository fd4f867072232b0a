import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundlePlugin } from "../../scripts/build-package.js";
import { packageVersion } from "../../src/core/package-version.js";
import { compile, mapImports, runPlugin, toFiles, writeFiles } from "./generate.js";
import { bufPath, repository } from "./tools.js";

// The plugin as it is published: one executable file, in a folder without node_modules.

const run = promisify(execFile);

let folder: string;
let plugin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskledger-"));
  plugin = join(folder, "protoc-gen-taskledger.mjs");
  await bundlePlugin(plugin);
  await cp(join(repository, "proto/taskledger"), join(folder, "third_party/taskledger/taskledger"), {
    recursive: true,
  });
  await writeFiles(folder, {
    "buf.yaml": "{ version: v2, modules: [{ path: proto }, { path: third_party/taskledger }] }",
  });
}, 60_000);

afterAll(() => rm(folder, { recursive: true }));

async function bufGenerate(source: string, parameter: string): Promise<{ stderr: string; failed: boolean }> {
  const files = toFiles(source);
  await writeFiles(join(folder, "proto"), files);
  const plugins = [{ local: plugin, out: "gen", opt: parameter }];
  const template = JSON.stringify({ version: "v2", clean: true, inputs: [{ directory: "proto" }], plugins });
  const { stderr, code } = await run(bufPath, ["generate", "--template", template], { cwd: folder }).then(
    (result) => ({ ...result, code: 0 }),
    (error: { stderr: string; code: number }) => error,
  );
  return { stderr, failed: code !== 0 };
}

test("it says its version", async () => {
  expect((await run(plugin, ["--version"], { cwd: folder })).stdout).toBe(`protoc-gen-taskledger v${packageVersion}\n`);
});

test("buf runs it, with the same output as in this process", async () => {
  const source = `
    // Fetches a file.
    message FetchFile {
      option (taskledger.v1.task) = { list_field: "host" };
      string host = 1;
      message Verify { option (taskledger.v1.task) = {}; int64 size = 1; }
    }`;
  const parameter = `target=ts+js+dts,import_extension=js,${mapImports}`;
  expect(await bufGenerate(source, parameter)).toEqual({ stderr: "", failed: false });

  const { files } = runPlugin(await compile(toFiles(source)), ["example.proto"], parameter);
  expect(Object.keys(files)).toEqual([
    ...["example_task.ts", "example_codec.ts"],
    ...["example_task.js", "example_codec.js"],
    ...["example_task.d.ts", "example_codec.d.ts"],
  ]);
  for (const [name, content] of Object.entries(files)) {
    expect(await readFile(join(folder, "gen", name), "utf8")).toBe(content);
  }
});

test("buf shows its warnings", async () => {
  const source = "message M { option (taskledger.v1.task) = {}; int32 id = 1; }";
  expect(await bufGenerate(source, `target=ts,${mapImports}`)).toEqual({
    stderr:
      "protoc-gen-taskledger: warning: example.proto:2:20: message example.v1.M: MTask.build() cannot tell the field" +
      ' "id" from the task\'s own id; make tasks with new MTask({ taskList, id, data })\n',
    failed: false,
  });
});

test("buf shows its errors, and fails", async () => {
  const source = `message M { option (taskledger.v1.task) = { id_field: "key" }; string host = 1; }`;
  expect(await bufGenerate(source, `target=ts,${mapImports}`)).toEqual({
    stderr:
      'protoc-gen-taskledger: example.proto:2:20: message example.v1.M: option (taskledger.v1.task).id_field = "key":' +
      ' there is no such field; write the name of a string field of this message: "host"\n' +
      `Failure: plugin ${plugin}: exit status 1\n`,
    failed: true,
  });
});

test("buf shows what to write where map_imports is missing", async () => {
  const source = "message M { option (taskledger.v1.task) = {}; }";
  const { stderr, failed } = await bufGenerate(source, "target=ts");
  expect(stderr).toContain("\n    opt:\n      - map_imports=taskledger/v1/:taskledger/gen\n");
  expect(failed).toBe(true);
});
