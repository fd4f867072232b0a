import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { repository } from "../../test/plugin/tools.js";
import { buildInto } from "../package.js";

/** Runs `taskledger` with these arguments, as a process of its own. */
export type Command = (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Run>;

export interface Run {
  /** What was printed. */
  readonly out: string;
  /** From the process's start to its end. */
  readonly seconds: number;
  /** Of the processor, user and system. */
  readonly cpuSeconds: number;
}

/** Writes what the process took of the processor to its fourth stream, when it exits. */
const meter = `import { writeSync } from "node:fs";
process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  writeSync(3, String((user + system) / 1e6));
});`;

/** Builds the package, and gives its command as users have it. */
export async function buildCommand(): Promise<Command> {
  const program = join(await buildInto(join(repository, ".cache/bench-cli")), "src/cli/main.js");
  const metered = ["--import", `data:text/javascript,${encodeURIComponent(meter)}`, program];
  return async (args, env = {}) => {
    const start = performance.now();
    const child = spawn(process.execPath, [...metered, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const printed = [child.stdio[1], child.stdio[2], child.stdio[3]].map((stream) => text(stream as never));
    const [code] = (await once(child, "close")) as [number | null];
    const seconds = (performance.now() - start) / 1000;
    const [out = "", err, cpu] = await Promise.all(printed);
    if (code !== 0) throw new Error(`taskledger ${args.join(" ")} ended with ${code}: ${err}`);
    return { out, seconds, cpuSeconds: Number(cpu) };
  };
}
