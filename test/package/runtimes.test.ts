import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyQuickStart, type UserProject } from "./project.js";
import { quickStartOutput } from "./quick-start.js";
import { bun, deno, nodeProgram, type Program } from "./tools.js";

// The program of the README's quick start, from the packed package, on every runtime that is supported.

interface Runtime {
  readonly name: string;
  readonly program: Program;
  /** What comes before the script. */
  readonly args: string;
}

const runtimes: readonly Runtime[] = [
  ...[20, 22, 24, 26].map((major) => ({ name: `Node ${major}`, program: nodeProgram(major), args: "" })),
  { name: "Bun", program: bun, args: "run" },
  // Nothing is allowed that it would have to ask for.
  { name: "Deno", program: deno, args: "run --no-prompt" },
];

/** The stores with which it is run, and the module that uses each. */
const stores = [{ store: "memory", script: "dist/memory.js", runsOn: () => true }];

let project: UserProject;
const ran: string[] = [];
const leftOut: string[] = [];

beforeAll(async () => {
  project = await copyQuickStart();
});

afterAll(async () => {
  console.info([`The quick start ran on ${ran.join(", ")}.`, ...leftOut].join("\n"));
  await project.remove();
});

const available = runtimes.flatMap(({ name, program, args }) =>
  "missing" in program ? [] : [[name, `'${program.path}' ${args}`] as const],
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

describe.each(stores)("with the store $store, the quick start runs", ({ store, script, runsOn }) => {
  for (const { name, program, args } of runtimes.filter(runsOn)) {
    if ("missing" in program) {
      leftOut.push(`It was left out on ${name}: ${program.missing}.`);
      test.skip(`on ${name}, which is left out: ${program.missing}`, () => {});
      continue;
    }
    test(`on ${name}`, async () => {
      const version = await project.run(`'${program.path}' --version`);
      const result = await project.run(`'${program.path}' ${args} ${script}`);
      expect(result).toEqual({ code: 0, output: quickStartOutput });
      ran.push(`${name} (${/\d+(\.\d+)+/.exec(version.output)?.[0]}, ${store})`);
    });
  }
});
