import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyQuickStart, type UserProject } from "./project.js";
import { quickStartOutput } from "./quick-start.js";
import { bun, deno, nodeProgram, type Program } from "./tools.js";

// The program of the README's quick start, from the packed package, on every runtime that is supported.

interface Runtime {
  readonly name: string;
  readonly program: Program;
  /** What comes before the script. */
  args(store: Store): string;
}

/** A store with which the quick start is run. */
interface Store {
  readonly name: string;
  /** The module that uses it; see quick-start.ts. */
  readonly script: string;
  /** What Deno must allow. */
  readonly permissions: string;
  /** Why it is left out on a runtime, where it is. */
  missingOn(runtime: string): string | undefined;
}

const runtimes: readonly Runtime[] = [
  ...[20, 22, 24, 26].map((major) => ({ name: `Node ${major}`, program: nodeProgram(major), args: () => "" })),
  { name: "Bun", program: bun, args: () => "run" },
  { name: "Deno", program: deno, args: ({ permissions }) => `run --no-prompt ${permissions}` },
];

const memory: Store = { name: "memory", script: "dist/memory.js", permissions: "", missingOn: () => undefined };

const sqlite: Store = {
  name: "SQLite",
  script: "dist/main.js",
  permissions: "--allow-read=. --allow-write=. --allow-sys=statfs,uid",
  missingOn: (runtime) =>
    runtime === "Node 20" ? "it has no SQLite of its own, and npm builds better-sqlite3 12 from source" : undefined,
};

const betterSqlite: Store = {
  name: "SQLite by better-sqlite3",
  script: "dist/better-sqlite3.js",
  permissions: "",
  missingOn: (runtime) => (/^Node 2[246]/.test(runtime) ? undefined : "better-sqlite3 13 is for Node 22 and later"),
};

const stores: readonly Store[] = [sqlite, betterSqlite, memory];

let project: UserProject;
const ran: string[] = [];
const leftOut: string[] = [];

beforeAll(async () => {
  project = await copyQuickStart();
  await project.install("better-sqlite3");
});

afterAll(async () => {
  console.info([`The quick start ran on ${ran.join(", ")}.`, ...leftOut].join("\n"));
  await project.remove();
});

for (const store of stores) {
  describe(`with the store ${store.name}, the quick start runs`, () => {
    for (const { name, program, args } of runtimes) {
      const missing = "missing" in program ? program.missing : store.missingOn(name);
      if ("missing" in program || missing !== undefined) {
        leftOut.push(`It was left out on ${name} with ${store.name}: ${missing}.`);
        test.skip(`on ${name}, which is left out: ${missing}`, () => {});
        continue;
      }
      test(`on ${name}`, async () => {
        const version = await project.run(`'${program.path}' --version`);
        const result = await project.run(`'${program.path}' ${args(store)} ${store.script}`);
        expect({ ...result, output: withoutWarnings(result.output) }).toEqual({ code: 0, output: quickStartOutput });
        ran.push(`${name} (${/\d+(\.\d+)+/.exec(version.output)?.[0]}, ${store.name})`);
      });
    }
  });
}

/** Node 22 calls its SQLite experimental. */
function withoutWarnings(output: string): string {
  return output.replace(/^\(node:\d+\) ExperimentalWarning: SQLite .*\n\(Use .*\n/gm, "");
}

const available = runtimes.flatMap(({ name, program, args }) =>
  "missing" in program ? [] : [[name, `'${program.path}' ${args(memory)}`] as const],
);

test.each(available)("on %s, a missing driver is told from one that does not load", async (_, command) => {
  await project.write({
    "open.js": `import { openStore } from "taskledger/store";
await openStore("cassandra://127.0.0.1/tasks?datacenter=dc1").catch(({ code, message }) => console.log(code, message));
`,
  });
  expect(await project.run(`${command} open.js`)).toEqual({
    code: 0,
    output: "MISSING_DRIVER cassandra-driver is not installed; install it: npm install cassandra-driver\n",
  });
});

const node20 = available.filter(([name]) => name === "Node 20");

test.skipIf(node20.length === 0)(
  "on Node 20 without better-sqlite3, SQLite has no driver, and both ways out are told",
  async () => {
    const bare = await copyQuickStart();
    try {
      await bare.write({
        "open.js": `import { openStore } from "taskledger/store";
await openStore("sqlite:./new.db").catch(({ code, message }) => console.log(code, message));
`,
      });
      const { code, output } = await bare.run(`${node20[0]?.[1]} open.js`);
      const [version] = /(?<=Node )20\.\d+\.\d+/.exec(output) ?? [];
      expect({ code, output }).toEqual({
        code: 0,
        output:
          `MISSING_DRIVER SQLite has no driver that can be used: Node ${version} has no node:sqlite ` +
          "(use Node 22.22.3, 24.15 or later); better-sqlite3 is not installed (npm install better-sqlite3@12)\n",
      });
      expect(existsSync(`${bare.folder}/new.db`)).toBe(false);
    } finally {
      await bare.remove();
    }
  },
);

/** Runs the conformance suite with the driver that its argument names. */
const conformance = `import { rmSync } from "node:fs";
import { SqliteAdapter } from "taskledger/sqlite";
import { runConformance } from "taskledger/testing";
const driver = process.argv[2];
const path = "conformance.db";
for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
const results = await runConformance(() => new SqliteAdapter({ path, driver }), { timeout: 60_000 });
for (const { group, name, error } of results) if (error) console.log(group, name, error);
for (const { group, name, skipped } of results) if (skipped) console.log(group, name, "was skipped:", skipped);
console.log(results.length > 140 ? "done" : \`there are \${results.length} cases only\`);
`;

describe("the SQLite adapter conforms", () => {
  for (const { name, program, args } of runtimes)
    for (const [driver, store] of [
      ["node:sqlite", sqlite],
      ["better-sqlite3", betterSqlite],
    ] as const) {
      // Node 24 with its own driver is what all other tests run on. It takes half a minute each.
      if (driver === "better-sqlite3" ? !/20|24/.test(name) : name === "Node 24") continue;
      const missing = "missing" in program ? program.missing : store.missingOn(name);
      if ("missing" in program || missing !== undefined) {
        test.skip(`on ${name} with ${driver}, which is left out: ${missing}`, () => {});
        continue;
      }
      test(`on ${name} with ${driver}`, async () => {
        await project.write({ "conformance.js": conformance });
        const { code, output } = await project.run(`'${program.path}' ${args(store)} conformance.js ${driver}`);
        expect({ code, output: withoutWarnings(output) }).toEqual({ code: 0, output: "done\n" });
      });
    }
});
