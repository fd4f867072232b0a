import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { exampleProto } from "../../src/cli/init/example-proto.js";
import { writeFiles } from "../plugin/generate.js";
import { bufPath, repository } from "../plugin/tools.js";
import { codes, createProject, packages, preparedProject, readProject, taskledger } from "./project.js";

const vendored = "third_party/taskledger/taskledger/v1";
const protos = ["batch", "composite", "damaged_task", "envelope", "options", "sealed_data"].map(
  (name) => `${vendored}/${name}.proto`,
);

async function buf(project: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(bufPath, args, { cwd: project });
  return stdout + stderr;
}

const fetchProto = (folder: string) => ({
  [`${folder}/acme/v1/fetch.proto`]: `syntax = "proto3";

package acme.v1;

import "taskledger/v1/options.proto";

message Fetch {
  option (taskledger.v1.task) = {};
  string url = 1;
}
`,
});

describe("in a new project", () => {
  test("init writes buf's files and our .proto files, and says how to go on", async () => {
    const project = await createProject({}, {});
    const { code, out, err } = await taskledger(project, ["init"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(`\
wrote    buf.yaml
wrote    buf.gen.yaml
${protos.map((path) => `wrote    ${path}\n`).join("")}
Install what is missing or too old:

  npm install taskledger@${packages.taskledger} "@bufbuild/protobuf@^2.17.0"
  npm install --save-dev "@bufbuild/protoc-gen-es@^2.17.0" @bufbuild/buf

Declare a task type, as in proto/acme/v1/fetch.proto:

  syntax = "proto3";

  package acme.v1;

  import "taskledger/v1/options.proto";

  // Fetches one file.
  message FetchFile {
    option (taskledger.v1.task) = {};

    // The host to fetch from.
    string external_host = 1;
    string filename = 2;
  }

Generate the code:

  npx buf generate
`);
    const files = await readProject(project);
    expect(Object.keys(files)).toEqual(["buf.gen.yaml", "buf.yaml", ...protos]);
    for (const path of protos) {
      const own = join(repository, "proto", path.replace("third_party/taskledger/", ""));
      expect(files[path]).toBe(await readFile(own, "utf8"));
    }
    expect(files["buf.gen.yaml"]).toBe(`\
version: v2
inputs:
  - directory: proto
plugins:
  # Messages and their schemas: *_pb.ts
  - local: protoc-gen-es
    out: src/gen
    opt:
      - target=ts
      - import_extension=js
      - map_imports=taskledger/v1/:taskledger/gen
  # A class for each task type: *_task.ts
  - local: protoc-gen-taskledger
    out: src/gen
    # It must see all files; without this, buf runs it once for each folder.
    strategy: all
    opt:
      - target=ts
      - import_extension=js
      - map_imports=taskledger/v1/:taskledger/gen
`);
  });

  test("the task type that init shows is that of the README", async () => {
    const { path, text } = exampleProto("proto");
    const readme = await readFile(join(repository, "README.md"), "utf8");
    expect(readme).toContain(`\`\`\`proto\n// ${path}\n${text}\`\`\``);
  });

  test("init mentions only packages that are missing or too old", async () => {
    const installed = { ...packages, "@bufbuild/protoc-gen-es": "2.13.0" };
    const { out } = await taskledger(await createProject({}, installed), ["init"]);
    expect(out).toContain(
      '\nInstall what is missing or too old:\n\n  npm install --save-dev "@bufbuild/protoc-gen-es@^2.17.0"\n\nDeclare',
    );
    expect((await taskledger(await createProject(), ["init"])).out).not.toContain("npm install");
  });

  test("buf takes what init writes, also where every rule of its linter is on", async () => {
    const project = await preparedProject(fetchProto("proto"));
    expect(await buf(project, "build")).toBe("");
    expect(await buf(project, "lint")).toBe("");
    expect(await buf(project, "ls-files")).toContain("options.proto");
  });

  test("our .proto files keep every rule of buf's linter, so that users need not except them", async () => {
    const rules = (await buf(repository, "config", "ls-lint-rules", "--version", "v2", "--format", "json"))
      .trim()
      .split("\n")
      .map((line): string => JSON.parse(line).id);
    expect(rules).toContain("COMMENT_MESSAGE");
    const project = await preparedProject();
    const config = { version: "v2", modules: [{ path: "third_party/taskledger" }], lint: { use: rules } };
    expect(await buf(project, "lint", "--config", JSON.stringify(config))).toBe("");
  });

  test("--check writes nothing and says what is missing", async () => {
    const project = await createProject({}, {});
    const result = await taskledger(project, ["init", "--check"]);
    expect(result).toMatchObject({ code: 3, out: "" });
    const missing = ["MISSING_FILE", "MISSING_FILE", "STALE_PROTOS"];
    expect(codes(result)).toEqual([...missing, ...Array(4).fill("MISSING_PACKAGE")]);
    expect(await readProject(project)).toEqual({});
  });
});

describe("in a prepared project", () => {
  test("init keeps everything", async () => {
    const project = await preparedProject();
    const before = await readProject(project);
    const { code, out, err } = await taskledger(project, ["init"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const kept = ["buf.yaml", "buf.gen.yaml", ...protos].map((path) => `kept     ${path}\n`);
    expect(out).toBe(`${kept.join("")}\nGenerate the code:\n\n  npx buf generate\n`);
    expect(await readProject(project)).toEqual(before);
  });

  test("--check has nothing to say", async () => {
    expect(await taskledger(await preparedProject(), ["init", "--check"])).toEqual({
      code: 0,
      out: "buf.yaml, buf.gen.yaml, taskledger's .proto files and the installed packages are in order.\n",
      err: "",
    });
  });

  test("copies of our .proto files that differ are found, and replaced by init", async () => {
    const [first = "", second = "", third = ""] = protos;
    const project = await preparedProject({ [second]: "// old\n" });
    await rm(join(project, first));
    // As Git checks it out on Windows.
    await writeFiles(project, { [third]: (await readFile(join(project, third), "utf8")).replaceAll("\n", "\r\n") });
    const { code, err } = await taskledger(project, ["init", "--check"]);
    expect(code).toBe(3);
    expect(err).toBe(`\
error[STALE_PROTOS]: third_party/taskledger lacks some of taskledger's .proto files: batch.proto
  Copy them from the installed package: npx taskledger init

error[STALE_PROTOS]: third_party/taskledger has .proto files that are not those of taskledger ${packages.taskledger}: composite.proto
  Copy them from the installed package: npx taskledger init
`);
    const { out } = await taskledger(project, ["init"]);
    expect(out).toContain(`wrote    ${first}\nreplaced ${second}\nkept     ${third}\n`);
    expect((await taskledger(project, ["init", "--check"])).code).toBe(0);
  });
});

describe("where buf.yaml or buf.gen.yaml lacks something", () => {
  const files = { "buf.yaml": "version: v2\nmodules: [{ path: proto }]\n", "buf.gen.yaml": "# mine\nversion: v2\n" };

  test("init keeps it, writes the rest, says what to add, and exits with 3", async () => {
    const project = await createProject(files);
    const result = await taskledger(project, ["init"]);
    expect(result.code).toBe(3);
    const written = protos.map((path) => `wrote    ${path}\n`).join("");
    expect(result.out).toBe(`kept     buf.yaml\nkept     buf.gen.yaml\n${written}`);
    expect(codes(result)).toEqual(["MISSING_MODULE", "WIDE_INPUTS", "MISSING_PLUGIN", "MISSING_PLUGIN"]);
    expect(result.err).toMatch(
      /^error\[MISSING_MODULE\]: .+\n {2}Add to modules:\n\n {4}- path: third_party\/taskledger\n/,
    );
    expect(result.err).toMatch(
      /\n\nWhen that is done, .+ npx taskledger init --check\nOr .+ npx taskledger init --force\n$/,
    );
    expect(await readProject(project)).toMatchObject(files);
  });

  test("what is added as advised is in order", async () => {
    const project = await createProject({ ...files, ...fetchProto("proto") });
    const { err } = await taskledger(project, ["init"]);
    const lines = (start: RegExp) => (err.split(start)[1]?.split(/\n(?=\S)/)[0] ?? "").replace(/^ {2}/gm, "");
    await writeFiles(project, {
      "buf.yaml": `version: v2\nmodules:\n  - path: proto\n${lines(/Add to modules:\n\n/)}`,
      "buf.gen.yaml": [
        "version: v2\n",
        lines(/has already\n {2}Add:\n\n/),
        "\nplugins:\n",
        lines(/run protoc-gen-es\n {2}Add to plugins:\n\n/),
        lines(/run protoc-gen-taskledger\n {2}Add to plugins:\n\n/),
      ].join(""),
    });
    expect(await taskledger(project, ["init", "--check"])).toMatchObject({ code: 0, err: "" });
    expect(await buf(project, "build")).toBe("");
  });
});

describe("where the .proto files are in the project's folder itself", () => {
  test("what init advises is what buf takes", async () => {
    const project = await createProject({ "buf.yaml": "version: v2\n", ...fetchProto(".") });
    const { err } = await taskledger(project, ["init"]);
    const advised = /Write:\n\n(.+?)\n\S/s.exec(err)?.[1]?.replace(/^ {2}/gm, "");
    expect(advised).toBe(
      "modules:\n  - path: .\n    excludes:\n      - third_party/taskledger\n  - path: third_party/taskledger\n",
    );
    await writeFiles(project, { "buf.yaml": `version: v2\n${advised}` });
    expect(await taskledger(project, ["init", "--force"])).toMatchObject({ code: 0 });
    expect(await taskledger(project, ["init", "--check"])).toMatchObject({ code: 0, err: "" });
    expect(await buf(project, "build")).toBe("");
    expect(await buf(project, "lint")).toBe("");
  });
});
