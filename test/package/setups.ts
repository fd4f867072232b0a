import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { repository } from "../plugin/tools.js";
import { copyQuickStart, createUserProject, type UserProject } from "./project.js";
import { quickStart, quickStartOutput } from "./quick-start.js";
import { matches, readSteps, type Step, takeInstalls } from "./readme.js";
import { bun, deno, nodeProgram, type Program, pnpm, yarn } from "./tools.js";

// Carries out what docs/setups.md says: its commands are run and its files written as they stand.

export const page: string = await readFile(join(repository, "docs/setups.md"), "utf8");

/** The sections of the page, by the tests that carry them out. */
export const sections = {
  compilers: ["TypeScript"],
  languages: ["TypeScript without a compiler", "JavaScript in CommonJS modules", "Jest", "protoc", "Deno"],
  bundlers: ["esbuild", "webpack", "Vite", "Rollup"],
  packageManagers: ["pnpm", "Yarn", "Bun"],
} as const;

interface Section {
  /** What must be there. */
  readonly needs: readonly Program[];
  carryOut(): Promise<void>;
}

export const oldNode: Program = nodeProgram(20);
export const newNode: Program = nodeProgram(24);

/** The programs that the page calls by their names; what is not here is left to the PATH. */
const programs: Readonly<Record<string, Program>> = {
  bun,
  bunx: bun,
  deno,
  node: newNode,
  pnpm,
  yarn,
  "old/node": oldNode,
};

let bin: string;

/** Makes a test of each section of a group; one that cannot be carried out here is left out, with the reason. */
export function testSections<Group extends keyof typeof sections>(
  group: Group,
  tests: Readonly<Record<(typeof sections)[Group][number], Section>>,
): void {
  beforeAll(async () => {
    bin = await mkdtemp(join(tmpdir(), "taskledger-bin-"));
    await mkdir(join(bin, "old"));
    for (const [name, program] of Object.entries(programs))
      if (!("missing" in program)) await symlink(program.path, join(bin, name));
  });

  afterAll(() => rm(bin, { recursive: true }));

  for (const heading of sections[group] as readonly (typeof sections)[Group][number][]) {
    const { needs, carryOut } = tests[heading];
    const missing = needs.flatMap((program) => ("missing" in program ? program.missing : []));
    if (missing.length === 0) {
      test(heading, carryOut);
      continue;
    }
    const title = `${heading}, which is left out: ${missing.join("; ")}`;
    test.skip(title, () => {});
    console.warn(title); // the default reporter does not print the titles of skipped tests
  }
}

/** As after the quick start. */
export async function afterQuickStart(): Promise<UserProject> {
  const project = await copyQuickStart();
  onTestFinished(() => project.remove());
  return project;
}

/** With the files of the quick start, and nothing installed. */
export async function beforeInstalling(): Promise<UserProject> {
  const project = await createUserProject();
  onTestFinished(() => project.remove());
  for (const step of quickStart) if (step.kind === "file") await project.write({ [step.path]: step.text });
  // So that Yarn takes this folder for the project.
  await project.write({ "yarn.lock": "" });
  return project;
}

export async function edit(project: UserProject, path: string, change: (text: string) => string): Promise<void> {
  await project.write({ [path]: change(await readFile(join(project.folder, path), "utf8")) });
}

/** Runs commands that have to succeed, by a newer Node or the oldest that is supported. */
export async function run(project: UserProject, commands: string, node: "new" | "old" = "new"): Promise<string> {
  const { code, output } = await project.run(commands, {
    path: node === "new" ? [bin] : [join(bin, "old"), bin],
    // The package managers are the only ones that fetch anything.
    env: { npm_config_offline: "false", YARN_ENABLE_TELEMETRY: "0", YARN_ENABLE_IMMUTABLE_INSTALLS: "false" },
  });
  expect(code, `${commands}\n${output}`).toBe(0);
  return output;
}

/** Carries a section out. What is run prints what the page says, and at last, if it says nothing, what the quick start prints. */
export async function follow(project: UserProject, heading: string): Promise<void> {
  const steps = readSteps(page, heading) ?? [];
  expect(steps).not.toEqual([]);
  const last = steps.findLast((step) => step.kind === "run");
  for (const step of steps) {
    if (step.kind === "file") await project.write({ [step.path]: step.text });
    else await runStep(project, step, step === last);
  }
}

async function runStep(project: UserProject, step: Step & { kind: "run" }, isLast: boolean): Promise<void> {
  const { names, rest } = takeInstalls(step.commands);
  await project.install(...names);
  const commands = rest.replace(/(?<= add )taskledger /, `taskledger@file:${inject("tarball")} `);
  // Who translates the package does so for an older Node.
  const isForOldNode = names.some((name) => name.startsWith("@babel/"));
  const output = await run(project, commands, isForOldNode ? "old" : "new");
  if (step.expected !== undefined) expect(matches(output, step.expected), output).toBe(true);
  else if (isLast) expect(output.endsWith(quickStartOutput), output).toBe(true);
}
