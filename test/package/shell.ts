import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";

export interface Result {
  readonly code: number;
  /** What it wrote to either stream, as a terminal shows it. */
  readonly output: string;
}

/** Runs commands in a project, as a user types them; they end at the first that fails. */
export function shell(project: string, commands: string): Promise<Result> {
  const env = { ...environment(), PATH: [join(project, "node_modules/.bin"), process.env.PATH].join(delimiter) };
  return new Promise((resolve) => {
    execFile("sh", ["-ec", `exec 2>&1\n${commands}`], { cwd: project, env }, (error, output) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, output });
    });
  });
}

/** What a user's shell has: npm and vitest add variables of their own. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_|TEST$|FORCE_COLOR$)/i.test(name));
  return { ...Object.fromEntries(kept), npm_config_offline: "true", npm_config_update_notifier: "false" };
}
