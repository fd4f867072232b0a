import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { createUserProject, type UserProject } from "./project.js";
import { readSteps } from "./readme.js";

// The package as users have it: unpacked in a project of theirs, with the programs that it brings. Each part goes on
// where the one before it ended.

// Compilers and code generators are run here, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

let project: UserProject;

beforeAll(async () => {
  project = await createUserProject();
  await project.install("taskledger", "@bufbuild/protobuf", "@bufbuild/buf", "@bufbuild/protoc-gen-es", "typescript");
}, 120_000);

afterAll(() => project.remove());

/** The files of the project by path. */
const sources = Object.fromEntries(
  (readSteps(readFileSync(join(import.meta.dirname, "fixtures/project.md"), "utf8"), "Sources") ?? []).flatMap(
    (step) => (step.kind === "file" ? [[step.path, step.text]] : []),
  ),
);

function tsconfig(options: object): string {
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  const modules = { target: "es2022", module: "nodenext", verbatimModuleSyntax: true, rootDir: "src", outDir: "dist" };
  return JSON.stringify({ compilerOptions: { ...modules, ...strict, ...options }, include: ["src"] });
}

const compiled = { code: 0, output: "" };

/** Runs a module. */
const node = (code: string) => `node --input-type=module -e '${code}'`;

/** Runs one of the functions of src/main.ts. */
const call = (name: string, url: string) => node(`import { ${name} } from "./dist/main.js"; await ${name}("${url}")`);

describe("without drivers and @types/node", () => {
  test("the programs start", async () => {
    expect(await project.run("taskledger --version")).toEqual({ code: 0, output: `${packageJson.version}\n` });
    const { output } = await project.run("protoc-gen-taskledger --version");
    expect(output).toBe(`protoc-gen-taskledger v${packageJson.version}\n`);
    // Who reads may stop early.
    expect((await project.run('(taskledger --help; echo "exit code $?" >&2) | true')).output).toBe("exit code 0\n");
  });

  test("init prepares the project, and its check is content", async () => {
    const { code, output } = await project.run("npx taskledger init");
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining("wrote    buf.yaml\n") });
    // Nothing is missing, since all of it has been installed.
    expect(output).not.toContain("npm install");
    expect(await project.run("npx taskledger init --check")).toMatchObject({ code: 0 });
  });

  test("buf lints and generates, without our own files", async () => {
    await project.write(sources);
    expect(await project.run("npx buf lint && npx buf generate")).toEqual(compiled);
    expect(await readdir(join(project.folder, "src/gen"), { recursive: true })).toEqual([
      "acme",
      "acme/v1",
      "acme/v1/fetch_codec.ts",
      "acme/v1/fetch_pb.ts",
      "acme/v1/fetch_task.ts",
    ]);
  });

  test("it compiles", async () => {
    // Without lib, DOM is there, and AbortSignal with it.
    await project.write({ "tsconfig.json": tsconfig({ types: [] }) });
    expect(await project.run("npx tsc")).toEqual(compiled);
  });

  test("it runs in memory", async () => {
    expect(await project.run(call("main", "memory:"))).toEqual({ code: 0, output: lifeOfATask });
  });

  test.each([["cassandra://127.0.0.1/tasks?datacenter=datacenter1", "cassandra-driver"]])(
    "it says what to install for %s",
    async (url, driver) => {
      const open = `await openStore("${url}").catch(({ code, message }) => console.log(code, message))`;
      expect(await project.run(node(`import { openStore } from "taskledger/store"; ${open}`))).toEqual({
        code: 0,
        output: `MISSING_DRIVER ${driver} is not installed; install it: npm install ${driver}\n`,
      });
    },
  );

  test("it can be had by require, without a warning", async () => {
    // The board needs hono, which is not there yet.
    const names = Object.keys(packageJson.exports).filter((name) => !name.includes("*") && name !== "./board");
    const all = [...names, "./gen/taskledger/v1/options_pb"].map((name) => join("taskledger", name));
    const load = `for (const name of ${JSON.stringify(all)}) console.log(name, Object.keys(require(name)).length > 0)`;
    const output = all.map((name) => `${name} true\n`).join("");
    expect(await project.run(`node --input-type=commonjs -e '${load}'`)).toEqual({ code: 0, output });
  });
});

const lifeOfATask = `\
fetched file1.txt from acme.com
open: acme.v1.FetchFile file1
found: undefined
`;

describe("with drivers and @types/node", () => {
  beforeAll(() => project.install("cassandra-driver", "@types/node", "hono", "@hono/node-server"), 60_000);

  test("the board can be had by require, too", async () => {
    const load = 'console.log(typeof require("taskledger/board").createBoard)';
    const loaded = await project.run(`node --input-type=commonjs -e '${load}'`);
    expect(loaded).toEqual({ code: 0, output: "function\n" });
  });

  test("it compiles, Cassandra too", async () => {
    await project.write({
      "src/cassandra.ts": 'export { CassandraAdapter } from "taskledger/cassandra";\n',
      "tsconfig.json": tsconfig({ types: ["node"], lib: ["es2023"] }),
    });
    expect(await project.run("npx tsc")).toEqual(compiled);
  });

  test("it runs on SQLite, from one process to the next", async () => {
    const run = (name: string) => project.run(call(name, "sqlite:./ledger.db"));
    expect(await run("main")).toEqual({ code: 0, output: lifeOfATask });
    expect(await run("leave")).toEqual({ code: 0, output: "" });
    expect(await run("look")).toEqual({ code: 0, output: "open: acme.v1.FetchFile file1\n" });
  });
});

describe("in a project of CommonJS modules", () => {
  test("it compiles and runs, although protobuf-es is loaded twice there", async () => {
    await project.write({
      "commonjs/package.json": "{}",
      "commonjs/tsconfig.json": tsconfig({ types: ["node"], verbatimModuleSyntax: false }),
    });
    expect(await project.run("cp -r src commonjs && cd commonjs && npx tsc")).toEqual(compiled);
    const run = `node -e 'require("./commonjs/dist/main.js").main("memory:")'`;
    expect(await project.run(run)).toEqual({ code: 0, output: lifeOfATask });
  });
});

describe("with other ways to spell imports", () => {
  test.each([
    ["none", { module: "esnext", moduleResolution: "bundler" }],
    ["ts", { allowImportingTsExtensions: true }],
  ])("import_extension=%s", async (extension, options) => {
    const template = (await readFile(join(project.folder, "buf.gen.yaml"), "utf8"))
      .replaceAll("import_extension=js", `import_extension=${extension}`)
      .replaceAll("out: src/gen", `out: ${extension}`);
    const config = JSON.parse(tsconfig({ types: [], noEmit: true, rootDir: ".", ...options }));
    await project.write({
      "buf.other.yaml": template,
      "tsconfig.other.json": JSON.stringify({ ...config, include: [extension] }),
    });
    expect(await project.run("npx buf generate --template buf.other.yaml && npx tsc -p tsconfig.other.json")).toEqual(
      compiled,
    );
  });
});

describe("without map_imports", () => {
  test("the plugin says what to write, and so does init --check", async () => {
    const template = await readFile(join(project.folder, "buf.gen.yaml"), "utf8");
    const line = "- map_imports=taskledger/v1/:taskledger/gen\n";
    // The last one is that of our own plugin.
    await project.write({ "buf.gen.yaml": template.slice(0, template.lastIndexOf(`      ${line}`)) });

    const generated = await project.run("npx buf generate");
    expect(generated.code).not.toBe(0);
    expect(generated.output).toContain(`\n    opt:\n      ${line}`);

    const checked = await project.run("npx taskledger init --check");
    expect(checked.code).toBe(3);
    expect(checked.output).toMatch(/^error\[MISSING_MAP_IMPORTS\]: buf\.gen\.yaml: protoc-gen-taskledger has no/);
    expect(checked.output).toContain(line);
  });
});
