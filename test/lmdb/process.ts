import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("store-process.ts", import.meta.url));

export interface Task {
  readonly taskList: string;
  readonly id: string;
  readonly savedAt: string;
}

/** What a process has said without being asked. */
export interface Said {
  readonly saved?: Task;
  readonly completing?: string;
  readonly completed?: string;
  readonly holding?: boolean;
  readonly stalling?: boolean;
  readonly opening?: boolean;
  readonly writing?: boolean;
}

export interface Refusal {
  readonly code: string;
  /** The version of a save, if it may be there. */
  readonly attempted?: string;
  readonly outcome: string;
  readonly message: string;
  readonly cause: string;
}

export interface ProcessOptions {
  /** How many microseconds its clock is ahead. */
  readonly clockAhead?: number;
  /** The number of the user that it becomes. */
  readonly user?: number;
  /** A package that it can't import. */
  readonly without?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A module that makes a package look as if it were not installed. */
function hiding(name: string): string {
  const hooks = `export async function resolve(specifier, context, next) {
    if (specifier === ${JSON.stringify(name)}) throw Object.assign(new Error("not found"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(specifier, context);
  }`;
  const url = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`;
  return url(`import { register } from "node:module"; register(${JSON.stringify(url(hooks))});`);
}

/** Another process that uses a store; see store-process.ts for what it can be told. */
export class StoreProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  /** What it has printed beside its answers. */
  errors = "";

  constructor(path: string, { clockAhead = 0, user, without, env }: ProcessOptions = {}) {
    const given = [path, String(clockAhead), ...(user === undefined ? [] : [String(user)])];
    const imports = ["--import", "tsx", ...(without === undefined ? [] : ["--import", hiding(without)])];
    this.#child = spawn(process.execPath, [...imports, script, ...given], { env: { ...process.env, ...env } });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = once(this.#child, "close");
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  tell(command: string, ...given: unknown[]): void {
    this.#child.stdin.write(`${JSON.stringify([command, ...given])}\n`);
  }

  /** The next thing that it says; undefined once it has ended. */
  async hear(): Promise<(Said & { readonly answer?: unknown; readonly error?: Refusal }) | undefined> {
    const { done, value } = await this.#lines.next();
    return done ? undefined : JSON.parse(value);
  }

  /** Its answer to a command. */
  async ask<T>(command: string, ...given: unknown[]): Promise<T> {
    this.tell(command, ...given);
    const { answer, error } = (await this.hear()) ?? (await this.#silent());
    if (error) throw new Error(`${error.code}: ${error.message} (${error.cause})`);
    return answer as T;
  }

  /** The error with which it refuses a command. */
  async refusal(command: string, ...given: unknown[]): Promise<Refusal> {
    this.tell(command, ...given);
    const { error } = (await this.hear()) ?? (await this.#silent());
    if (error === undefined) throw new Error(`${command} succeeded`);
    return error;
  }

  /** Ends it; gives its exit code, or the signal that ended it. */
  async end(): Promise<number | string> {
    this.#child.stdin.end();
    await this.#ended;
    return this.#child.exitCode ?? this.#child.signalCode ?? "";
  }

  /** Kills it; gives all that it has said and nobody has heard. */
  async kill(): Promise<Said[]> {
    this.#child.kill("SIGKILL");
    const said: Said[] = [];
    for (let line = await this.hear(); line; line = await this.hear()) said.push(line);
    await this.#ended;
    return said;
  }

  async #silent(): Promise<never> {
    await this.#ended;
    const { exitCode, signalCode } = this.#child;
    throw new Error(`the process ended without an answer (${exitCode ?? signalCode}): ${this.errors}`);
  }
}
