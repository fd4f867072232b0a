import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { packageVersion } from "../../src/core/package-version.js";
import { binPath } from "../plugin/tools.js";
import type { Packed } from "./pack.js";

// What is in the package, and whether tools find their way in it.

let folder: string;
let packed: Packed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskledger-"));
  packed = inject("packed");
  execFileSync("tar", ["-xzf", packed.tarball, "-C", folder]);
}, 120_000);

afterAll(() => rm(folder, { recursive: true }));

const read = (path: string) => readFile(join(folder, "package", path), "utf8");
const paths = () => packed.files.map(({ path }) => path);

test("it is small", () => {
  console.info(`The tarball has ${packed.size} bytes, and ${packed.unpackedSize} unpacked in ${paths().length} files.`);
  expect(packed.size).toBeLessThan(600_000);
});

test("it holds what is built of src and of our own .proto files, the .proto files, and documents", () => {
  const expected = [
    /^(package\.json|LICENSE|README\.md|CHANGELOG\.md)$/,
    /^docs\/[\w.-]+\.(md|svg|json)$/,
    /^proto\/taskledger\/v1\/\w+\.proto$/,
    /^dist\/gen\/taskledger\/v1\/\w+_pb\.(js|d\.ts)$/,
    /^dist\/protoc-gen-taskledger\.(js|LICENSES\.txt)$/,
    /^dist\/src\/(?!plugin\/)[\w/-]+\.(js|d\.ts)$/,
  ];
  expect(paths().filter((path) => !expected.some((pattern) => pattern.test(path)))).toEqual([]);
  expect(paths()).toEqual(
    expect.arrayContaining(["LICENSE", "docs/setups.md", "dist/protoc-gen-taskledger.LICENSES.txt"]),
  );
});

test("all that package.json refers to is there", () => {
  const targets = Object.values(packageJson.exports).flatMap((target) =>
    typeof target === "string" ? [target] : Object.values(target),
  );
  for (const target of [...targets, ...Object.values(packageJson.bin)]) {
    const path = target.replace(/^\.\//, "").replace("*", "taskledger/v1/options");
    expect(paths()).toContain(path);
    if (path.startsWith("dist/src/")) expect(paths()).toContain(path.replace(/\.js$/, ".d.ts"));
  }
});

test("its programs begin as programs do", async () => {
  for (const path of Object.values(packageJson.bin)) {
    expect(await read(path)).toMatch(/^#!\/usr\/bin\/env node\n/);
  }
});

test("it imports only what it depends on", async () => {
  const known = new Set([...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.peerDependencies)]);
  for (const path of paths().filter((each) => /^dist\/(src|gen)\//.test(each))) {
    const unknown = packagesOf(await read(path)).filter((name) => !known.has(name) && name !== packageJson.name);
    expect({ path, unknown }).toEqual({ path, unknown: [] });
  }
});

test("its declarations name no driver where none need be installed, and better-sqlite3's nowhere", async () => {
  for (const path of paths().filter((each) => each.endsWith(".d.ts"))) {
    const allowed = path.startsWith("dist/src/adapters/cassandra/") ? ["cassandra-driver"] : [];
    const drivers = packagesOf(await read(path)).filter(
      (name) => name === "better-sqlite3" || name === "cassandra-driver",
    );
    expect({ path, drivers: drivers.filter((name) => !allowed.includes(name)) }).toEqual({ path, drivers: [] });
  }
});

/** The packages that a module imports, types included; not those of examples in comments. */
function packagesOf(text: string): string[] {
  const code = text.replace(/^\s*(?:\*|\/\/).*$/gm, "");
  const specifiers = Array.from(code.matchAll(/(?:\bfrom|\bimport\(?)\s*"([^"\n]+)"/g), ([, name]) => name as string);
  const bare = specifiers.filter((name) => !name.startsWith(".") && !name.startsWith("node:"));
  return bare.map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
}

test("it has the licences of what the plugin contains", async () => {
  expect((await read("dist/protoc-gen-taskledger.js")).split("\n")[1]).toContain("protoc-gen-taskledger.LICENSES.txt");
  const licenses = await read("dist/protoc-gen-taskledger.LICENSES.txt");
  expect(licenses).toContain("Apache License\n                           Version 2.0, January 2004");
  expect(licenses).toContain("Copyright 2008 Google Inc.  All rights reserved.");
});

test("it knows its version", () => {
  expect(packageJson.version).toBe(packageVersion);
});

test("publint has nothing to say", () => {
  const output = execFileSync(binPath("publint"), ["run", packed.tarball, "--strict"], { encoding: "utf8" });
  expect(output).toContain("All good!");
});

test("types are found as the code is", () => {
  // The profile passes over resolutions that no supported Node has: those of Node 10, which knows no exports, and
  // require() of ESM as an error, which it is not since 20.19.
  const profile = ["--profile", "esm-only"];
  // attw does not look into patterns by itself.
  const generated = ["", ".js", ".ts"].map((extension) => `./gen/taskledger/v1/options_pb${extension}`);
  const args = [packed.tarball, ...profile, "--format", "ascii", "--include-entrypoints", ...generated];
  const output = execFileSync(binPath("attw"), args, { encoding: "utf8" });
  for (const entrypoint of [".", "./sqlite", ...generated]) {
    expect(output).toContain(`"${join("taskledger", entrypoint)}"\n\nnode16 (from ESM): 🟢 (ESM)\nbundler: 🟢`);
  }
}, 60_000);
