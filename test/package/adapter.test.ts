import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repository } from "../plugin/tools.js";
import { createUserProject, type UserProject } from "./project.js";

// examples/adapter, an adapter of a third party, in a project of its own: it compiles, and the suite proves it.

let project: UserProject;

beforeAll(async () => {
  project = await createUserProject();
  await project.install("taskledger", "@bufbuild/protobuf", "typescript", "@types/node");
  const folder = join(repository, "examples/adapter");
  for (const name of await readdir(folder))
    await project.write({ [`src/${name}`]: await readFile(join(folder, name), "utf8") });
  await project.write({ "tsconfig.json": JSON.stringify({ compilerOptions, include: ["src"] }) });
}, 120_000);

afterAll(() => project.remove());

const compilerOptions = {
  target: "es2022",
  module: "nodenext",
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  rootDir: "src",
  outDir: "dist",
};

test("it compiles, strictly", async () => {
  expect(await project.run("tsc")).toEqual({ code: 0, output: "" });
});

test("the suite proves it", { timeout: 300_000 }, async () => {
  const { code, output } = await project.run("node --test --test-reporter=tap dist/map-adapter.test.js");
  expect(output).toMatch(/^# fail 0$/m);
  expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(50);
  expect(code).toBe(0);
});
