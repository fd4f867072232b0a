import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../plugin/tools.js";
import { emptyProject, type UserProject } from "./project.js";
import { readSteps, type Step, takeInstalls } from "./readme.js";

// README.md's quick start as it is written.

const readme = readFileSync(join(repository, "README.md"), "utf8");

export const quickStart: readonly Step[] = readSteps(readme, "Quick start") ?? [];

/** The file of a path that it has one write. */
export function quickStartFile(path: string): string {
  const step = quickStart.find((each) => each.kind === "file" && each.path === path);
  if (step?.kind !== "file") throw new Error(`the quick start writes no ${path}`);
  return step.text;
}

/** What its program prints. */
export const quickStartOutput: string = `${quickStart.flatMap((step) => (step.kind === "run" ? (step.expected ?? []) : [])).join("\n")}\n`;

/** What it installs. */
export const quickStartPackages: readonly string[] = quickStart.flatMap((step) =>
  step.kind === "run" ? takeInstalls(step.commands).names : [],
);

/** A store, as src/main.ts makes one. */
export interface Store {
  readonly module: string;
  readonly expression: string;
}

/** The one that needs nothing. */
export const memory: Store = { module: "taskledger/memory", expression: "new MemoryAdapter()" };

/** src/main.ts with another store than that which the README has. */
export function mainWith({ module, expression }: Store): string {
  const name = /new (\w+)/.exec(expression)?.[1] ?? /\w+(?=\()/.exec(expression)?.[0];
  return quickStartFile("src/main.ts")
    .replace(/import \{ \w+Adapter \} from "[^"]+"/, `import { ${name} } from "${module}"`)
    .replace(/new \w+Adapter\(.*?\)(?= \}\);)/, expression);
}

/** The README's own, opened by what its URL names. The program is a function: see Rollup in docs/setups.md. */
export function mainWithUrl(url: string): string {
  const [imports = "", body = ""] = mainWith({
    module: "taskledger/store",
    expression: `await openStore("${url}")`,
  }).split(/\n\n(.*)/s);
  return `${imports}\n\nasync function main() {\n${body}}\n\nmain();\n`;
}

/** A project in which all of it has been done; `dist/memory.js` and `src/memory.ts` are the same with that store. */
export async function carryOutQuickStart(tarball: string): Promise<UserProject> {
  const project = await emptyProject(tarball);
  for (const step of quickStart) {
    if (step.kind === "file") {
      await project.write({ [step.path]: step.text });
      if (step.path === "src/main.ts") await project.write({ "src/memory.ts": mainWith(memory) });
    } else {
      const { names, rest } = takeInstalls(step.commands);
      await project.install(...names);
      const { code, output } = await project.run(rest);
      if (code !== 0) throw new Error(`the README's quick start fails at ${rest}\n${output}`);
    }
  }
  return project;
}
