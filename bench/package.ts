import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { repository } from "../test/plugin/tools.js";

/** Builds this package as it is published, into the `dist` of a folder; gives its path. */
export async function buildInto(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const dist = join(folder, "dist");
  const script = JSON.stringify(join(repository, "scripts/build-package.ts"));
  const build = `import(${script}).then(({ buildPackage }) => buildPackage(${JSON.stringify(dist)}))`;
  await runProgram(["--import", "tsx", "--eval", build]);
  return dist;
}

/** Runs a JavaScript program; gives what it writes. */
export async function runProgram(
  [program, ...args]: readonly string[],
  input: Uint8Array = new Uint8Array(),
): Promise<Uint8Array> {
  const child = spawn(process.execPath, [program as string, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${Buffer.concat([...output, ...errors])}`);
  return Buffer.concat(output);
}
