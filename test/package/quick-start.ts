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
  /** What is imported, and from where. */
  readonly name: string;
  readonly module: string;
  readonly expression: string;
}

/** Stores that the README's program is also run with, by the names of its modules then. */
export const otherStores = {
  memory: { name: "MemoryAdapter", module: "taskledger/memory", expression: "new MemoryAdapter()" },
  "better-sqlite3": {
    name: "SqliteAdapter",
    module: "taskledger/sqlite",
    expression: 'new SqliteAdapter({ path: "ledger.db", driver: "better-sqlite3" })',
  },
} as const satisfies Record<string, Store>;

/** src/main.ts with another store than that which the README has. */
function mainWith({ name, module, expression }: Store): string {
  const main = quickStartFile("src/main.ts")
    .replace(/import \{ \w+Adapter \} from "[^"]+"/, `import { ${name} } from "${module}"`)
    .replace(/new \w+Adapter\(.*?\)(?= \}\);)/, expression);
  if (!main.includes(module) || !main.includes(expression)) throw new Error("the quick start makes no store as it did");
  return main;
}

/**
 * The same with the store that its argument names, by a URL or by its driver. The program is a function: see Rollup in
 * docs/setups.md.
 */
export function mainWithChoice(): string {
  const { module, expression } = otherStores["better-sqlite3"];
  const choice = `process.argv[2] === "better-sqlite3" ? ${expression} : await openStore(String(process.argv[2]))`;
  const main = mainWith({ name: "openStore", module: "taskledger/store", expression: choice });
  const [imports = "", body = ""] = main.split(/\n\n(.*)/s);
  return `${imports}\nimport { SqliteAdapter } from "${module}";\n\nasync function main() {\n${body}}\n\nmain();\n`;
}

/** A project in which all of it has been done; `dist/memory.js` and its like are the program with another store. */
export async function carryOutQuickStart(tarball: string): Promise<UserProject> {
  const project = await emptyProject(tarball);
  for (const [name, store] of Object.entries(otherStores)) await project.write({ [`src/${name}.ts`]: mainWith(store) });
  for (const step of quickStart) {
    if (step.kind === "file") await project.write({ [step.path]: step.text });
    else {
      const { names, rest } = takeInstalls(step.commands);
      await project.install(...names);
      const { code, output } = await project.run(rest);
      if (code !== 0) throw new Error(`the README's quick start fails at ${rest}\n${output}`);
    }
  }
  return project;
}
