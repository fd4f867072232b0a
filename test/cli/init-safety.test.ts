import { execFileSync } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { codes, createProject, preparedProject, readProject, taskledger } from "./project.js";

// What a project from elsewhere may have in it, such as a repository that was just cloned.

const options = "third_party/taskledger/taskledger/v1/options.proto";

describe("symbolic links are not written through", () => {
  test.each([
    ["a file", options],
    ["its folder", "third_party/taskledger/taskledger/v1"],
    ["a folder further up", "third_party"],
    ["a link to what is not there", "buf.yaml"],
  ])("%s", async (_, link) => {
    const outside = await createProject({ "options.proto": "mine", "taskledger/taskledger/v1/options.proto": "mine" });
    const project = await createProject();
    const target =
      { [options]: join(outside, "options.proto"), "buf.yaml": join(outside, "new.yaml") }[link] ?? outside;
    await mkdir(join(project, link, ".."), { recursive: true });
    await symlink(target, join(project, link));
    const before = [await readProject(outside), await readProject(project)];
    const { code, out, err } = await taskledger(project, ["init"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^error\[SYMBOLIC_LINK\]: [\w./]+ is not written, since /);
    expect(err).toContain(`since ${link} is a symbolic link\n`);
    // Nothing is half done.
    expect([await readProject(outside), await readProject(project)]).toEqual(before);
  });

  test("but they are read", async () => {
    const shared = await preparedProject();
    const project = await createProject();
    for (const name of ["buf.yaml", "third_party"]) await symlink(join(shared, name), join(project, name));
    expect(await taskledger(project, ["init"])).toMatchObject({ code: 0, err: "" });
    expect(await taskledger(project, ["init", "--check"])).toMatchObject({ code: 0, err: "" });
  });

  test("--force leaves a buf.gen.yaml alone that is a link", async () => {
    const outside = await createProject({ "mine.yaml": "version: v2\nplugins: []\n" });
    const project = await createProject();
    await symlink(join(outside, "mine.yaml"), join(project, "buf.gen.yaml"));
    expect(codes(await taskledger(project, ["init", "--force"]))).toEqual(["SYMBOLIC_LINK"]);
    expect(await readFile(join(outside, "mine.yaml"), "utf8")).toBe("version: v2\nplugins: []\n");
  });
});

describe("a module's path", () => {
  test.each([
    "../x",
    "proto/../../x",
    "/etc",
    "..",
    "..\\\\x",
    "C:x",
    "C:\\\\x",
    "pro\\u001bto",
    "a\\nb",
    "a\\u009bb",
    1,
    [],
  ])("may not be %j", async (path) => {
    const json = typeof path === "string" ? `"${path}"` : JSON.stringify(path);
    const outside = join(await createProject(), "project");
    await mkdir(join(outside, "../x/taskledger/v1"), { recursive: true });
    await mkdir(outside);
    await writeFile(join(outside, "buf.yaml"), `version: v2\nmodules: [{ path: proto }, { path: ${json} }]`);
    const before = await readProject(join(outside, ".."));
    const result = await taskledger(outside, ["init", "--force"]);
    expect(result).toMatchObject({ code: 3, out: "" });
    expect(codes(result)).toEqual(["INVALID_PATH"]);
    expect(result.err).not.toMatch(/[^\n\P{Cc}]/u);
    expect(await readProject(join(outside, ".."))).toEqual(before);
  });

  test.each(["ab: c", "#x", "- a", "a #b", "true", "1.5", "*a", "é ü", "'"])(
    "may be %j, and is then quoted where it is copied",
    async (path) => {
      const project = await createProject({
        "buf.yaml": `{version: v2, modules: [{ path: ${JSON.stringify(path)} }]}`,
      });
      await taskledger(project, ["init", "--force"]);
      expect(await taskledger(project, ["init", "--check"])).toMatchObject({ code: 0, err: "" });
    },
  );
});

test("what files hold cannot steer the terminal", async () => {
  const name = "\\e]0;title\\a\\e[2J";
  const bufGen = `version: v2
inputs: [{ directory: "${name}" }, { directory: "\\u202egnp" }]
plugins:
  - { local: protoc-gen-es, out: "${name}", opt: "map_imports=taskledger/v1/:${name}" }
  - { local: protoc-gen-taskledger, out: "a", strategy: all, opt: "map_imports=taskledger/v1/:${name}" }`;
  const project = await createProject({ "buf.gen.yaml": bufGen });
  for (const args of [["init"], ["init", "--check"], ["init", "--force"]]) {
    const { out, err } = await taskledger(project, args);
    expect(err).toContain("\\u001b]0;title\\u0007");
    expect(out + err).not.toMatch(/(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
  }
});

describe("what is malformed is said to be", () => {
  test.each([
    ["an alias of nothing", "version: v2\nmodules: *modules", "INVALID_YAML"],
    ["a merge of what is no mapping", "version: v2\n<<: 1", "INVALID_YAML"],
    ["several documents", "version: v2\n---\nversion: v2", "INVALID_YAML"],
    ["a list that is its own item", "version: v2\nmodules: &a [*a]", "INVALID_YAML"],
    ["a path that is the list in which it is", "version: v2\nmodules: &a [{ path: *a }]", "INVALID_YAML"],
    ["a version that is a list", "version: [v2]", "OLD_BUF_FILE"],
    ["nesting without end", `version: v2\nmodules: ${"[".repeat(10_000)}`, "INVALID_YAML"],
    ["aliases without end", aliases(), "INVALID_YAML"],
  ])("%s", async (_, text, code) => {
    const project = await createProject({ "buf.yaml": text });
    const result = await taskledger(project, ["init", "--check"]);
    expect(codes(result)).toEqual([code]);
  });

  test("bytes that are not UTF-8", async () => {
    const project = await createProject();
    await writeFile(join(project, "buf.gen.yaml"), new Uint8Array([0xff, 0xfe, 0x76]));
    expect(codes(await taskledger(project, ["init"]))).toEqual(["INVALID_YAML"]);
  });

  test.each(["buf.yaml", "buf.gen.yaml", options])("a folder that is called %s", async (path) => {
    const project = await createProject({ [`${path}/a`]: "" });
    const result = await taskledger(project, ["init"]);
    expect(result).toMatchObject({ code: 1, out: "" });
    expect(codes(result)).toEqual(["NOT_A_FILE"]);
  });

  test("a pipe, of which nothing is read", async () => {
    const project = await createProject();
    execFileSync("mkfifo", [join(project, "buf.yaml")]);
    expect(codes(await taskledger(project, ["init"]))).toEqual(["NOT_A_FILE"]);
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    "{}",
    '{"version":1}',
    '{"version":"2.18.0\\u001b[31m"}',
    '{"version":"2.18.0$(x)"}',
  ])("a package whose package.json is %j", async (text) => {
    const project = await createProject();
    await writeFile(join(project, "node_modules/@bufbuild/protobuf/package.json"), text);
    const { code, err } = await taskledger(project, ["init"]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^error\[INVALID_PACKAGE\]: .+protobuf\/package\.json has no version\n {2}Install the package again\.\n$/,
    );
  });
});

function aliases(): string {
  const lines = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`);
  return `version: v2\na0: &a0 [x]\n${lines.join("\n")}`;
}

test("what a file is replaced by is written beside it first, and no draft stays", async () => {
  const project = await preparedProject();
  const before = await readProject(project);
  await writeFile(join(project, options), "// old");
  await taskledger(project, ["init"]);
  expect(await readProject(project)).toEqual(before);
});
