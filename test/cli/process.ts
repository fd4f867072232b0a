import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { buffer, text } from "node:stream/consumers";
import { bundle, repository } from "../support/bundle.js";

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What comes in; by default nothing. */
  readonly input?: string | Uint8Array;
}

/** The command, in one file that starts fast. */
const program: Promise<string> = bundle("src/cli/main.ts");

/** Starts `taskledger` as a process of its own; of this one's environment it has nothing but the path. */
export async function start(args: readonly string[], { env = {}, cwd }: ProcessOptions = {}): Promise<ChildProcess> {
  const { PATH = "" } = process.env;
  return spawn(process.execPath, [await program, ...args], { cwd: cwd ?? repository, env: { PATH, ...env } });
}

/** Runs it to its end. */
export async function run(args: readonly string[], options: ProcessOptions = {}): Promise<Finished> {
  const { out, ...rest } = await runBinary(args, options);
  return { ...rest, out: out.toString() };
}

/** The same, for output that is no text. */
export async function runBinary(
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<Omit<Finished, "out"> & { readonly out: Buffer }> {
  const child = await start(args, options);
  child.stdin?.on("error", () => undefined); // it may end before it has read all
  child.stdin?.end(options.input ?? "");
  const [out, err] = [buffer(child.stdout as never), text(child.stderr as never)];
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: await out, err: await err };
}

/** Runs a line of the shell in which `taskledger` is the command. */
export async function runShell(line: string, options: ProcessOptions = {}): Promise<Finished> {
  return finish("sh", ["-c", await commandOf(line)], options);
}

/** The same on a terminal: what it shows is `out`, and `input` is typed, if need be once something was shown. */
export async function runOnTerminal(line: string, options: ProcessOptions & Prompted = {}): Promise<Finished> {
  return finish("script", ["--quiet", "--return", "--command", await commandOf(line), "/dev/null"], options);
}

async function commandOf(line: string): Promise<string> {
  return line.replaceAll(/\btaskledger(?= |$)/g, `'${process.execPath}' '${await program}'`);
}

interface Prompted {
  /** What is shown before the input is typed; by default it is typed at once. */
  readonly prompt?: string;
}

async function finish(file: string, args: readonly string[], options: ProcessOptions & Prompted): Promise<Finished> {
  const { PATH = "" } = process.env;
  const child = spawn(file, args, { cwd: options.cwd ?? repository, env: { PATH, ...options.env } });
  child.stdin.on("error", () => undefined);
  const { prompt = "", input = "" } = options;
  let out = "";
  const type = () => {
    if (out.includes(prompt) && !child.stdin.writableEnded) child.stdin.end(input);
  };
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    out += chunk;
    type();
  });
  type();
  const err = text(child.stderr);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err: await err };
}
