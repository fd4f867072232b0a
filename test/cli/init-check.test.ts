import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { checkNode, protobufEs } from "../../src/cli/init/packages.js";
import { writeFiles } from "../plugin/generate.js";
import { codes, createProject, packages, preparedProject, taskledger } from "./project.js";

async function check(files: Record<string, string>, installed = packages): Promise<{ codes: string[]; err: string }> {
  const result = await taskledger(await preparedProject(files, installed), ["init", "--check"]);
  expect(result).toMatchObject(result.err === "" ? { code: 0 } : { code: 3, out: "" });
  return { codes: codes(result), err: result.err };
}

describe("buf.yaml", () => {
  test.each([
    ["in another form", `{"version":"v2","modules":[{"path":"./proto/"},{"path":"./third_party/taskledger/"}]}`, []],
    [
      "with names",
      "version: v2\nmodules:\n- &a { path: proto, name: buf.build/acme/tasks }\n- path: third_party/taskledger\n",
      [],
    ],
    ["without our module", "version: v2\nmodules: [{ path: proto }]", ["MISSING_MODULE"]],
    // Buf refuses the input then, too: it is inside of the one module, the folder itself.
    ["without modules", "version: v2", ["MISSING_MODULE", "UNKNOWN_INPUT"]],
    ["that is empty", "", ["OLD_BUF_FILE"]],
    ["that is a list", "- version: v2", ["OLD_BUF_FILE"]],
    ["with modules that are none", "version: v2\nmodules: { path: proto }", ["MISSING_MODULE", "UNKNOWN_INPUT"]],
    ["of an older form", "version: v1\nbreaking: { use: [FILE] }", ["OLD_BUF_FILE"]],
    [
      "with our module in another",
      "version: v2\nmodules: [{ path: proto }, { path: third_party }, { path: third_party/taskledger }]",
      ["OVERLAPPING_MODULES"],
    ],
    [
      "with our module in another that excludes it",
      "version: v2\nmodules: [{ path: proto }, { path: third_party, excludes: [third_party/taskledger] }, { path: third_party/taskledger }]",
      [],
    ],
    [
      "with our module in another that does not include it",
      "version: v2\nmodules: [{ path: proto }, { path: third_party, includes: [third_party/x] }, { path: third_party/taskledger }]",
      [],
    ],
    ["that is not YAML", "version: v2\n modules: [", ["INVALID_YAML"]],
    ["with a name given twice", "version: v2\nversion: v2", ["INVALID_YAML"]],
  ])("%s", async (_, text, expected) => {
    const bufGen = "version: v2\ninputs: [{ directory: proto }]\nplugins:\n";
    const opt = "opt: map_imports=taskledger/v1/:taskledger/gen";
    const plugins = `  - { local: protoc-gen-es, out: gen, ${opt} }\n  - { local: protoc-gen-taskledger, out: gen, strategy: all, ${opt} }\n`;
    expect((await check({ "buf.yaml": text, "buf.gen.yaml": bufGen + plugins })).codes).toEqual(expected);
  });

  test("our .proto files may be in a module of another name", async () => {
    const project = await createProject({
      "buf.yaml": "version: v2\nmodules: [{ path: protos }, { path: vendor/tasks }]",
      "vendor/tasks/taskledger/v1/options.proto": "// old",
    });
    expect((await taskledger(project, ["init"])).out).toContain("replaced vendor/tasks/taskledger/v1/options.proto\n");
    expect((await taskledger(project, ["init", "--check"])).code).toBe(0);
  });
});

describe("buf.gen.yaml", () => {
  const es = "{ local: protoc-gen-es, out: gen, opt: [target=ts, 'map_imports=taskledger/v1/:taskledger/gen'] }";
  const own =
    "{ local: protoc-gen-taskledger, out: gen, strategy: all, opt: [target=ts, 'map_imports=taskledger/v1/:taskledger/gen'] }";
  const bufGen = (...plugins: string[]) =>
    `version: v2\ninputs: [{ directory: proto }]\nplugins:\n${plugins.map((plugin) => `  - ${plugin}\n`).join("")}`;
  const checkPlugins = (...plugins: string[]) => check({ "buf.gen.yaml": bufGen(...plugins) });

  test.each([
    ["options as a list", es, own],
    ["options as one string", es.replace(/opt: \[(.*?), '(.*?)'\]/, "opt: '$1,$2'"), own],
    ["a path", es.replace("protoc-gen-es", "./node_modules/.bin/protoc-gen-es"), own],
    [
      "a program for Windows",
      es,
      own.replace("protoc-gen-taskledger", "'node_modules\\.bin\\protoc-gen-taskledger.cmd'"),
    ],
    ["another program before it", es.replace("protoc-gen-es", "[npx, protoc-gen-es]"), own],
    ["a remote plugin", es.replace("local: protoc-gen-es", "remote: buf.build/bufbuild/es:v2.17.0"), own],
    ["a remote plugin without a version", es.replace("local: protoc-gen-es", "remote: buf.build/bufbuild/es"), own],
    [
      "other plugins",
      es,
      own,
      "{ remote: buf.build/protocolbuffers/go, out: go }",
      "{ local: protoc-gen-es-query, out: q }",
    ],
    ["another pattern of map_imports", es, own.replace("taskledger/v1/:", "taskledger/**:")],
    ["rewrite_imports", es.replace("map_imports=taskledger/v1/:", "rewrite_imports=./taskledger/v1/*_pb.js:"), own],
  ])("%s", async (_, ...plugins) => {
    expect(await checkPlugins(...plugins)).toEqual({ codes: [], err: "" });
  });

  test.each([
    ["protoc-gen-es", es, own],
    ["protoc-gen-taskledger", own, es],
  ])("without %s, with an entry to add that agrees with the other", async (name, plugin, other) => {
    const { codes, err } = await checkPlugins(other);
    expect(codes).toEqual(["MISSING_PLUGIN"]);
    expect(err).toContain(
      `buf.gen.yaml does not run ${name}\n  Add to plugins:\n\n    - local: ${name}\n      out: gen\n`,
    );
    const entry = (err.split("Add to plugins:\n\n")[1] ?? "").replace(/^ {2}/gm, "");
    expect(entry).not.toContain("import_extension");
    expect(await check({ "buf.gen.yaml": bufGen(other) + entry })).toEqual({ codes: [], err: "" });
    expect(plugin).toContain(name);
  });

  test.each([
    ["protoc-gen-es", es.replace(/, 'map_imports.*?'/, ""), own],
    ["protoc-gen-taskledger", es, own.replace(/, 'map_imports.*?'/, "")],
    ["protoc-gen-es", es.replace("taskledger/v1/:", "taskledger/v1:"), own],
    ["protoc-gen-es", es.replace("taskledger/v1/:", "acme/:"), own],
  ])("without map_imports on %s", async (name, ...plugins) => {
    const { codes, err } = await checkPlugins(...plugins);
    expect(codes).toEqual(["MISSING_MAP_IMPORTS"]);
    expect(err).toBe(`\
error[MISSING_MAP_IMPORTS]: buf.gen.yaml: ${name} has no map_imports for taskledger/v1/, whose generated code is in the package
  Add to the options of ${name}:

      opt:
        - map_imports=taskledger/v1/:taskledger/gen
`);
  });

  describe("with map_imports", () => {
    const generated = { "gen/taskledger/v1/options_pb.ts": "", "lib/taskledger/v1/options_pb.js": "" };
    const checkTarget = async (target: string) => {
      const plugins = [es, own].map((plugin) => plugin.replace("taskledger/gen", target));
      const { codes, err } = await check(
        { "buf.gen.yaml": bufGen(...plugins), ...generated },
        { ...packages, "@acme/gen": "1.0.0", acme: "1.0.0" },
      );
      return { codes, err };
    };

    test.each([
      "taskledger",
      "taskledger/dist/gen",
      "taskledger/gem",
      "./nowhere",
      "..",
      "nowhere/gen",
      "@acme",
      "/x",
      "",
    ])("to %j, which is not there", async (target) => {
      const { codes, err } = await checkTarget(target);
      expect(codes).toEqual(["WRONG_MAP_IMPORTS", "WRONG_MAP_IMPORTS"]);
      expect(err).toContain(`imported from ${target || "nowhere"}, where it is not\n`);
      expect(err).toContain("      opt:\n        - map_imports=taskledger/v1/:taskledger/gen\n");
    });

    test.each(["taskledger/gen/", "./", "../lib", "@acme/gen", "@acme/gen/lib", "acme/gen", "#gen", "@/gen", "~/gen"])(
      "to %j, which is there or may be",
      async (target) => {
        expect(await checkTarget(target)).toEqual({ codes: [], err: "" });
      },
    );

    test("twice, of which the plugins take the first that fits", async () => {
      const first = own.replace(
        "map_imports=",
        "map_imports=acme/:nowhere,map_imports=taskledger/v1/:nowhere,map_imports=",
      );
      expect((await checkPlugins(es, first)).codes).toEqual(["WRONG_MAP_IMPORTS"]);
    });
  });

  test("without options", async () => {
    const plugins = ["{ local: protoc-gen-es, out: gen }", "{ local: protoc-gen-taskledger, out: gen, strategy: all }"];
    expect((await checkPlugins(...plugins)).codes).toEqual(["MISSING_MAP_IMPORTS", "MISSING_MAP_IMPORTS"]);
  });

  test.each([own.replace("strategy: all, ", ""), own.replace("strategy: all", "strategy: directory")])(
    "without the strategy: %s",
    async (plugin) => {
      const { codes, err } = await checkPlugins(es, plugin);
      expect(codes).toEqual(["MISSING_STRATEGY"]);
      expect(err).toMatch(/\n {2}(Add to|Write in) protoc-gen-taskledger:\n\n {6}strategy: all\n/);
    },
  );

  test("with plugins that disagree", async () => {
    const { codes, err } = await checkPlugins(
      es,
      own.replace("out: gen", "out: src").replace("target=ts", "import_extension=js"),
    );
    expect(codes).toEqual(["DIFFERENT_OPTIONS", "DIFFERENT_OPTIONS", "DIFFERENT_OPTIONS"]);
    expect(err).toContain("the plugins differ in out: protoc-gen-es has gen, protoc-gen-taskledger has src\n");
    expect(err).toContain("the plugins differ in target: protoc-gen-es has ts, protoc-gen-taskledger has none\n");
    expect(err).toContain(
      "the plugins differ in import_extension: protoc-gen-es has none, protoc-gen-taskledger has js\n",
    );
  });

  test.each([
    ["", ["WIDE_INPUTS"]],
    ["inputs: []", ["WIDE_INPUTS"]],
    ["inputs: [{ directory: . }]", ["WIDE_INPUTS"]],
    ["inputs: [{ directory: proto }, { directory: third_party }]", ["WIDE_INPUTS"]],
    ["inputs: [{ directory: ., exclude_paths: [third_party] }]", ["WIDE_INPUTS"]],
    ["inputs: [{ directory: ., exclude_paths: [third_party/taskledger/taskledger] }]", []],
    ["inputs: [{ directory: ., paths: [proto/acme] }]", []],
    ["inputs: [{ module: buf.build/acme/tasks }]", []],
    ["inputs: [{ directory: ./proto/ }]", []],
    ["inputs: [{ directory: a }, { directory: proto }, { directory: proto/acme }]", ["UNKNOWN_INPUT", "UNKNOWN_INPUT"]],
    ["inputs: [{ directory: ../other }, { git_repo: a }, { proto_file: proto/a.proto }, 1]", []],
    ["inputs: [{ directory: third_party/taskledger, exclude_paths: [1] }]", ["WIDE_INPUTS"]],
    ["inputs: { directory: proto }", ["WIDE_INPUTS"]],
  ])("with the inputs %j", async (inputs, expected) => {
    const text = bufGen(es, own).replace("inputs: [{ directory: proto }]", inputs);
    expect((await check({ "buf.gen.yaml": text })).codes).toEqual(expected);
  });

  test.each([
    ["of an older form", "version: v1\nplugins: [{ plugin: es, out: gen }]", ["OLD_BUF_FILE"]],
    ["that is not YAML", "version: v2\nplugins:\n\t- local: protoc-gen-es", ["INVALID_YAML"]],
    [
      "with plugins that are none",
      "version: v2\ninputs: [{ directory: proto }]\nplugins: [1, null, [x]]",
      ["MISSING_PLUGIN", "MISSING_PLUGIN"],
    ],
  ])("%s", async (_, text, expected) => {
    expect((await check({ "buf.gen.yaml": text })).codes).toEqual(expected);
  });
});

describe("packages", () => {
  test.each([
    [
      "@bufbuild/protobuf",
      "2.16.9",
      `@bufbuild/protobuf is 2.16.9; taskledger needs ^2.17.0`,
      '"@bufbuild/protobuf@^2.17.0"',
    ],
    [
      "@bufbuild/protobuf",
      "3.0.0",
      `@bufbuild/protobuf is 3.0.0; taskledger needs ^2.17.0`,
      '"@bufbuild/protobuf@^2.17.0"',
    ],
    [
      "@bufbuild/protoc-gen-es",
      "2.13.0",
      "@bufbuild/protoc-gen-es is 2.13.0; taskledger needs ^2.17.0",
      '--save-dev "@bufbuild/protoc-gen-es@^2.17.0"',
    ],
    [
      "@bufbuild/protoc-gen-es",
      "2.18.1",
      "@bufbuild/protobuf is 2.17.0, older than protoc-gen-es, which is 2.18.1",
      '"@bufbuild/protobuf@^2.18.1"',
    ],
    [
      "taskledger",
      "0.0.9",
      `this is taskledger ${packages.taskledger}, but the project has 0.0.9`,
      `taskledger@${packages.taskledger}`,
    ],
  ])("%s %s", async (name, version, text, install) => {
    const { err } = await check({}, { ...packages, [name]: version });
    expect(err).toBe(`error[WRONG_VERSION]: ${text}\n  Install it: npm install ${install}\n`);
  });

  test.each(["2.17.0", "2.17.1", "2.20.0", "2.18.0-rc.1"])("both of protobuf-es may be %s", async (version) => {
    const installed = { ...packages, "@bufbuild/protobuf": version, "@bufbuild/protoc-gen-es": version };
    expect((await check({}, installed)).err).toBe("");
  });

  test("a remote plugin need not be installed, but new enough", async () => {
    const { "@bufbuild/protoc-gen-es": _, ...rest } = packages;
    const opt = "opt: map_imports=taskledger/v1/:taskledger/gen";
    const bufGen = (version: string) => ({
      "buf.gen.yaml": `version: v2
inputs: [{ directory: proto }]
plugins:
  - { remote: "buf.build/bufbuild/es:${version}", out: gen, ${opt} }
  - { local: protoc-gen-taskledger, out: gen, strategy: all, ${opt} }`,
    });
    expect((await check(bufGen("v2.17.0"), rest)).err).toBe("");
    expect((await check(bufGen("v2.13.0"), rest)).codes).toEqual(["WRONG_VERSION"]);
    // It would be in the command that is advised.
    const { codes, err } = await check(bufGen("v2.18.0$(x)"), rest);
    expect(codes).toEqual(["WRONG_VERSION"]);
    expect(err).not.toContain("install");
  });

  test("those of a folder above count", async () => {
    const workspace = await createProject();
    const project = `${workspace}/packages/tasks`;
    await writeFiles(project, { "package.json": "{}" });
    await taskledger(project, ["init"]);
    expect((await taskledger(project, ["init", "--check"])).err).toBe("");
  });

  test("a buf on the path will do", async () => {
    const { "@bufbuild/buf": _, ...rest } = packages;
    const project = await preparedProject({ "bin/buf": "" }, rest);
    const without = await taskledger(project, ["init", "--check"]);
    expect(without.err).toBe(
      "error[MISSING_PACKAGE]: buf is not installed\n  Install it: npm install --save-dev @bufbuild/buf\n",
    );
    expect((await taskledger(project, ["init", "--check"], { PATH: `${project}/bin` })).code).toBe(0);
  });

  test.each([
    ["20.18.3", 1],
    ["18.20.0", 1],
    ["20.19.0", 0],
    ["22.1.0", 0],
    ["24.0.0-nightly", 0],
  ])("Node %s", (version, problems) => {
    expect(checkNode(version)).toHaveLength(problems);
  });

  test("the least version of protobuf-es is that of package.json", () => {
    expect(packageJson.peerDependencies["@bufbuild/protobuf"]).toBe(`^${protobufEs}`);
  });
});
