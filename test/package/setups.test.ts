import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { UserProject } from "./project.js";
import { quickStartOutput } from "./quick-start.js";
import { afterQuickStart, edit, follow, newNode, oldNode, page, run, sections, testSections } from "./setups.js";
import { bun, deno, protoc, toolFolder, toolVersions } from "./tools.js";

/** With generated code in JavaScript, in CommonJS modules. */
async function commonjs(): Promise<UserProject> {
  const project = await afterQuickStart();
  await project.write({ "package.json": "{}" });
  await edit(project, "buf.gen.yaml", (text) =>
    text.replaceAll("target=ts", "target=js").replaceAll("import_extension=js", "js_import_style=legacy_commonjs"),
  );
  await run(project, "rm -r src dist");
  return project;
}

const claims = `import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { FetchFile } from "./dist/fetch-file.js";
const tasks = new DataInterface({ types: [FetchFile], adapter: new MemoryAdapter() });
const claim = await tasks.claim(await tasks.create(FetchFile, { taskList: "l" }), { owner: Deno.args[0] });
console.log(claim.attempt);
await claim.release();
`;

const compilers = ["5.7", "5.9", "6.0", "7.0"].map((version) => `typescript-${version}`);

/** As the page says that it compiles, and with a bundler's way to find modules. */
const tsconfigs = {
  strict: {
    extends: "./tsconfig.json",
    compilerOptions: {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
    },
  },
  bundler: { extends: "./strict.json", compilerOptions: { module: "esnext", moduleResolution: "bundler" } },
};

describe("what the page says of the compiler holds for", () => {
  testSections("compilers", {
    TypeScript: {
      needs: [newNode],
      async carryOut() {
        const project = await afterQuickStart();
        for (const [name, config] of Object.entries(tsconfigs))
          await project.write({ [`${name}.json`]: JSON.stringify(config) });
        const compile = (name: string, compiler: string) => `node '${toolFolder(compiler)}/bin/tsc' -p ${name}.json`;
        for (const compiler of compilers) expect(await run(project, compile("strict", compiler)), compiler).toBe("");

        await edit(project, "buf.gen.yaml", (text) => text.replaceAll("import_extension=js", "import_extension=none"));
        await run(project, "buf generate");
        for (const compiler of compilers) expect(await run(project, compile("bundler", compiler)), compiler).toBe("");
        expect(await run(project, `! ${compile("strict", "typescript-7.0")}`)).toContain("Relative import paths need");
      },
    },
  });
});

describe("what the page says holds for", () => {
  testSections("languages", {
    "TypeScript without a compiler": {
      needs: [newNode, bun, deno],
      async carryOut() {
        const project = await afterQuickStart();
        await edit(project, "buf.gen.yaml", (text) => text.replaceAll("import_extension=js", "import_extension=ts"));
        for (const path of ["src/main.ts", "src/fetch-file.ts"])
          await edit(project, path, (text) => text.replaceAll('.js";', '.ts";'));
        await follow(project, "TypeScript without a compiler");
        for (const runtime of ["bun", "deno run --allow-read=. --allow-write=. --allow-sys=statfs,uid"])
          expect(await run(project, `${runtime} src/main.ts`)).toBe(quickStartOutput);
      },
    },
    "JavaScript in CommonJS modules": {
      needs: [oldNode, newNode],
      async carryOut() {
        const project = await commonjs();
        await follow(project, "JavaScript in CommonJS modules");
        expect(await run(project, "node main.js", "old")).toBe("still open: file1\n");
        expect(await run(project, "taskledger init --check")).toContain("are in order");
        // And in ES modules.
        await edit(project, "buf.gen.yaml", (text) =>
          text.replaceAll("js_import_style=legacy_commonjs", "import_extension=js"),
        );
        const main = `import "./src/gen/acme/v1/fetch_task.js";\nconsole.log("imported");\n`;
        await project.write({ "package.json": '{ "type": "module" }', "main.js": main });
        expect(await run(project, "buf generate && node main.js")).toBe("imported\n");
      },
    },
    Jest: {
      needs: [oldNode, newNode],
      async carryOut() {
        const project = await commonjs();
        await run(project, "buf generate");
        await follow(project, "Jest");
      },
    },
    protoc: {
      needs: [protoc],
      async carryOut() {
        const project = await afterQuickStart();
        const generated = "src/gen/acme/v1/fetch_task.ts";
        const before = await readFile(join(project.folder, generated), "utf8");
        await run(project, "rm -r src/gen/* third_party buf.yaml buf.gen.yaml");
        await follow(project, "protoc");
        expect(await readFile(join(project.folder, generated), "utf8")).toBe(before);
      },
    },
    Deno: {
      needs: [deno],
      async carryOut() {
        const project = await afterQuickStart();
        await follow(project, "Deno");
        await project.write({ "claims.js": claims });
        expect(await run(project, "deno run --no-prompt claims.js me")).toBe("1\n");
        expect(await run(project, "deno run --no-prompt --allow-sys=hostname claims.js")).toBe("1\n");
        expect(await run(project, "! deno run --no-prompt claims.js")).toContain('Requires sys access to "hostname"');
      },
    },
  });
});

test("no section of the page is left to itself", () => {
  const headings = Array.from(page.matchAll(/^##+ (.*)$/gm), ([, heading]) => heading);
  const covered: readonly string[] = Object.values(sections).flat();
  expect(headings.filter((heading) => heading !== "Bundlers").sort()).toEqual([...covered].sort());
});

test("the page names the versions with which it is tested", () => {
  const rows = Array.from(page.matchAll(/^\| ([\w, ]+) \| ([\d., ]+) \|$/gm), ([, names, versions]) => [
    names,
    versions,
  ]);
  const versions = (...names: string[]) => names.map((name) => toolVersions[name]).join(", ");
  expect(rows).toEqual([
    ["Node", versions(...[20, 22, 24, 26].map((major) => `node-${major}-linux-x64`))],
    ["Bun", versions("bun")],
    ["Deno", versions("deno")],
    ["TypeScript", versions(...["5.7", "5.9", "6.0", "7.0"].map((version) => `typescript-${version}`))],
    ["pnpm, Yarn", versions("@pnpm/exe.linux-x64", "@yarnpkg/cli-dist")],
    ["esbuild, webpack, Vite, Rollup", versions("esbuild", "webpack", "vite", "rollup")],
    ["Jest", versions("jest")],
  ]);
});
