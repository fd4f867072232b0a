import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The commands of a package manager. */
export interface PackageManager {
  readonly install: string;
  /** The option of `install` for packages that only development needs. */
  readonly dev: string;
  /** The command that runs the program of an installed package. */
  readonly run: string;
}

const npm: PackageManager = { install: "npm install", dev: "--save-dev", run: "npx" };
const pnpm: PackageManager = { install: "pnpm add", dev: "--save-dev", run: "pnpm exec" };
const yarn: PackageManager = { install: "yarn add", dev: "--dev", run: "yarn" };
const bun: PackageManager = { install: "bun add", dev: "--dev", run: "bunx --bun" };

const byName: Readonly<Record<string, PackageManager>> = { npm, pnpm, yarn, bun };

const byLockFile: readonly (readonly [string, PackageManager])[] = [
  ["package-lock.json", npm],
  ["pnpm-lock.yaml", pnpm],
  ["yarn.lock", yarn],
  ["bun.lock", bun],
  ["bun.lockb", bun],
];

/** The package manager whose lock file is nearest above a project's folder; without any, the one that runs this. */
export function packageManager(project: string, env: NodeJS.ProcessEnv): PackageManager {
  const found = byLockFile.find(([name]) => existsSync(join(project, name)));
  if (found) return found[1];
  const parent = dirname(project);
  if (parent !== project) return packageManager(parent, env);
  return byName[env.npm_config_user_agent?.split("/")[0] ?? ""] ?? npm;
}
