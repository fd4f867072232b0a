import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";

export interface Result {
  readonly code: number;
  /** What it wrote to either stream, as a terminal shows it. */
  readonly output: string;
}

export interface ShellOptions {
  /** Folders that come before all others on the PATH. */
  readonly path?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs commands in a project, as a user types them; they end at the first that fails. */
export function shell(project: string, commands: string, { path = [], env = {} }: ShellOptions = {}): Promise<Result> {
  const PATH = [...path, join(project, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const options = { cwd: project, env: { ...environment(), PATH, ...env } };
  return new Promise((resolve) => {
    execFile("sh", ["-ec", `exec 2>&1\n${commands}`], options, (error, output) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, output });
    });
  });
}

/** What a user's shell has: npm and vitest add variables of their own. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_(?!EXTRA_CA_CERTS)|TEST$|FORCE_COLOR$)/i.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
    NO_COLOR: "1",
  };
}
