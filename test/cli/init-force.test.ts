import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { bufPath } from "../plugin/tools.js";
import { codes, createProject, readProject, taskledger } from "./project.js";

// `init --force` adds what is lacking and takes nothing away.

const proto = 'syntax = "proto3";\n\npackage acme.v1;\n\nmessage Fetch {\n  string url = 1;\n}\n';

async function force(files: Record<string, string>) {
  const project = await createProject(files);
  const result = await taskledger(project, ["init", "--force"]);
  const { "buf.yaml": bufYaml = "", "buf.gen.yaml": bufGenYaml = "" } = await readProject(project);
  return { ...result, project, bufYaml, bufGenYaml };
}

/** The lines that stand in the first text and not in the second. */
function lost(before: string, after: string): string[] {
  const lines = after.split("\n").map((line) => line.trim());
  return before.split("\n").filter((line) => !lines.includes(line.trim()));
}

test("a project's names, rules, managed mode, other plugins and comments stay", async () => {
  const before = {
    "buf.yaml": `\
# Who owns this: tasks@acme.com
version: v2
modules:
  - path: proto
    name: buf.build/acme/tasks # published
deps:
  - buf.build/bufbuild/protovalidate
lint:
  use:
    - MINIMAL
breaking:
  use:
    - WIRE_JSON
`,
    "buf.gen.yaml": `\
version: v2
clean: true
managed:
  enabled: true
  override:
    - file_option: go_package_prefix
      value: github.com/acme/tasks
inputs:
  - directory: proto
    exclude_types:
      - acme.v1.Secret
plugins:
  - remote: buf.build/protocolbuffers/go:v1.36.6
    out: go
    opt: paths=source_relative
  # ours
  - local: protoc-gen-es
    out: lib
    opt:
      - target=js
`,
  };
  const { code, out, err, bufYaml, bufGenYaml, project } = await force(before);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("extended buf.yaml\nextended buf.gen.yaml\n");
  expect(lost(before["buf.yaml"], bufYaml)).toEqual([]);
  expect(lost(before["buf.gen.yaml"], bufGenYaml)).toEqual([]);
  expect(lost(bufYaml, before["buf.yaml"])).toEqual(["  - path: third_party/taskledger"]);
  expect(bufGenYaml.split("  # ours\n")[1]).toBe(`\
  - local: protoc-gen-es
    out: lib
    opt:
      - target=js
      - map_imports=taskledger/v1/:taskledger/gen
  - local: protoc-gen-taskledger
    out: lib
    strategy: all
    opt:
      - target=js
      - map_imports=taskledger/v1/:taskledger/gen
`);
  expect((await taskledger(project, ["init", "--check"])).err).toBe("");
  expect((await taskledger(project, ["init", "--force"])).out).toContain("kept     buf.yaml\nkept     buf.gen.yaml\n");
});

test.each([
  ["one module, the folder itself, with a name", "version: v2\nname: buf.build/acme/tasks\n", "."],
  ["a module around ours", "version: v2\nmodules:\n  - path: .\n  - path: third_party/taskledger\n", "."],
  ["modules in another form", "version: v2\nmodules: [{path: proto}]\r\n", "proto"],
  ["lists that are not indented", "version: v2\nmodules:\n- path: proto\nlint:\n  use:\n  - BASIC\n", "proto"],
])("buf takes what is made of %s", async (_, bufYaml, folder) => {
  const {
    code,
    project,
    bufYaml: after,
  } = await force({
    "buf.yaml": bufYaml,
    "buf.gen.yaml": "version: v2\nplugins: []\n",
    [`${folder}/acme/v1/fetch.proto`]: proto,
  });
  expect(code).toBe(0);
  expect(bufYaml.includes("\r\n")).toBe(after.includes("\r\n"));
  expect(bufYaml.includes("\n- ")).toBe(after.includes("\n- "));
  const { stdout } = await promisify(execFile)(bufPath, ["ls-files"], { cwd: project });
  const path = folder === "." ? "acme/v1/fetch.proto" : `${folder}/acme/v1/fetch.proto`;
  expect(stdout.split("\n")).toContain(path);
  if (bufYaml.includes("name:")) {
    expect(after).toBe(`version: v2
modules:
  - path: .
    name: buf.build/acme/tasks
    excludes:
      - third_party/taskledger
  - path: third_party/taskledger
`);
  }
});

test("options that are written as one string stay", async () => {
  const bufGen = `version: v2
inputs: [{ directory: . }]
plugins:
  - { local: protoc-gen-es, out: gen, opt: "target=js,import_extension=js" }
`;
  const { bufGenYaml } = await force({ "buf.gen.yaml": bufGen });
  expect(bufGenYaml).toContain('opt: [ "target=js,import_extension=js", map_imports=taskledger/v1/:taskledger/gen ]');
  expect(bufGenYaml).toContain("{ directory: ., exclude_paths: [ third_party/taskledger/taskledger ] }");
});

describe("what it cannot add without taking something away is left, and said", () => {
  const es = "{ local: protoc-gen-es, out: gen, opt: 'map_imports=taskledger/v1/:taskledger/gen' }";
  const own =
    "{ local: protoc-gen-taskledger, out: src, strategy: directory, opt: 'map_imports=taskledger/v1/:elsewhere' }";
  const bufYaml = "version: v2\nmodules: [{ path: proto }, { path: third_party/taskledger }]\n";
  const contradictions = `version: v2\ninputs: [{ directory: proto }, { directory: protos }]\nplugins: [${es}, ${own}]\n`;

  test("contradictions", async () => {
    const result = await force({ "buf.yaml": bufYaml, "buf.gen.yaml": contradictions });
    expect(result.code).toBe(3);
    expect(result.out).toContain("kept     buf.gen.yaml\n");
    expect(result.bufGenYaml).toBe(contradictions);
    expect(codes(result)).toEqual(["UNKNOWN_INPUT", "WRONG_MAP_IMPORTS", "MISSING_STRATEGY", "DIFFERENT_OPTIONS"]);
    expect(result.err).not.toContain("--force");
  });

  test("some of what is lacking", async () => {
    const result = await force({ "buf.yaml": bufYaml, "buf.gen.yaml": contradictions.replace(`${es}, `, "") });
    expect(result.code).toBe(3);
    expect(result.out).toContain("extended buf.gen.yaml\n");
    expect(result.bufGenYaml).toContain("protoc-gen-es");
    expect(codes(result)).toEqual(["UNKNOWN_INPUT", "WRONG_MAP_IMPORTS", "MISSING_STRATEGY"]);
  });

  test("entries that share what they have, since it would be added to each", async () => {
    const bufGen = `version: v2\ninputs: [{ directory: proto }]\nplugins:\n  - { local: protoc-gen-es, <<: &a { out: x } }\n  - { local: b, <<: *a }\n`;
    const result = await force({ "buf.gen.yaml": bufGen });
    expect(result.code).toBe(3);
    expect(result.bufGenYaml).toBe(bufGen);
    expect(codes(result)).toEqual(["MISSING_MAP_IMPORTS", "MISSING_PLUGIN"]);
  });
});

describe("nothing at all is written, with --force or without it,", () => {
  const workspace = {
    "buf.work.yaml": "version: v1\ndirectories: [protos]\n",
    "protos/buf.yaml": "version: v1\n",
    "protos/acme/v1/fetch.proto": proto,
  };
  test.each([
    ["in a workspace of the older form", workspace, "OLD_BUF_FILE"],
    ["where buf.yaml is of the older form", { "buf.yaml": "version: v1\n" }, "OLD_BUF_FILE"],
    ["where buf.gen.yaml is of the older form", { "buf.gen.yaml": "version: v1\nplugins: []\n" }, "OLD_BUF_FILE"],
    ["where buf.yaml is empty", { "buf.yaml": "" }, "OLD_BUF_FILE"],
    ["where buf.yaml is not YAML", { "buf.yaml": "version: v2\n modules: [" }, "INVALID_YAML"],
    ["where buf.gen.yaml is not YAML", { "buf.gen.yaml": "version: v2\nplugins:\n\t- a" }, "INVALID_YAML"],
  ])("%s", async (_, files: Record<string, string>, code) => {
    for (const option of ["--force", "--no-color"]) {
      const project = await createProject(files);
      const result = await taskledger(project, ["init", option]);
      expect(result).toMatchObject({ code: 3, out: "", err: expect.stringMatching(/\n\nNothing was written\.\n$/) });
      expect(codes(result)).toEqual([code]);
      expect(await readProject(project)).toEqual(files);
    }
  });

  test("until that workspace is migrated as advised", async () => {
    const project = await createProject({
      ...workspace,
      "buf.gen.yaml": "version: v1\nplugins: [{ plugin: go, out: gen }]\n",
    });
    expect((await taskledger(project, ["init"])).err).toContain(
      "  Migrate buf's files, then run this again: npx buf config",
    );
    await promisify(execFile)(bufPath, ["config", "migrate"], { cwd: project });
    expect(await taskledger(project, ["init", "--force"])).toMatchObject({ code: 0, err: "" });
    await promisify(execFile)(bufPath, ["build"], { cwd: project });
    const { "buf.gen.yaml": bufGenYaml } = await readProject(project);
    expect(bufGenYaml).toContain("inputs:\n  - directory: protos\n");
  });

  test.each([
    ["the older form", { "buf.work.yaml": "version: v1\ndirectories: [packages/tasks/protos]\n" }],
    ["one module", { "buf.yaml": "version: v2\n" }],
    ["a module in this folder", { "buf.yaml": "version: v2\nmodules: [{ path: packages/tasks/proto }]\n" }],
  ])("inside of a workspace of %s", async (_, files: Record<string, string>) => {
    const root = await createProject({ ...files, "packages/tasks/proto/acme/v1/fetch.proto": proto });
    const result = await taskledger(`${root}/packages/tasks`, ["init"]);
    expect(codes(result)).toEqual(["INSIDE_WORKSPACE"]);
    expect(result.err).toContain(`  Run this command in that workspace: ${root}\n`);
    expect(Object.keys(await readProject(`${root}/packages/tasks`))).toEqual(["proto/acme/v1/fetch.proto"]);
  });

  test("beside another workspace it is as in any project", async () => {
    const root = await createProject({
      "buf.yaml": "version: v2\nmodules: [{ path: packages/other }]\n",
      "tasks/a": "",
    });
    expect((await taskledger(`${root}/tasks`, ["init"])).code).toBe(0);
  });
});

test("without a buf.yaml, the modules are the folders for which code is generated", async () => {
  const project = await createProject({
    "buf.gen.yaml": "version: v2\ninputs: [{ directory: protos }, { directory: ./more/ }]\nplugins: []\n",
    "protos/acme/v1/fetch.proto": proto,
    "more/acme/v2/fetch.proto": proto.replace("acme.v1", "acme.v2"),
  });
  expect((await taskledger(project, ["init", "--force"])).code).toBe(0);
  expect((await readProject(project))["buf.yaml"]).toContain("modules:\n  - path: protos\n  - path: more\n");
  await promisify(execFile)(bufPath, ["build"], { cwd: project });
});
