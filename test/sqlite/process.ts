import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { bundle } from "../support/bundle.js";
import type { SavedTask } from "./store-process.js";

export type { SavedTask };

/** What a process says of itself. */
export interface Said {
  readonly saved?: SavedTask;
  readonly completing?: string;
  readonly completed?: string;
  readonly holding?: boolean;
  readonly answer?: unknown;
  readonly error?: Refusal;
}

export interface Refusal {
  readonly code: string;
  readonly outcome: string;
  readonly message: string;
  /** The version of a save, if it may be there. */
  readonly attempted?: string;
}

export interface ProcessOptions {
  /** In milliseconds. */
  readonly deadline?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** A program, with arguments, that runs the process. */
  readonly within?: readonly string[];
}

const program = bundle("test/sqlite/store-process.ts");

/** Another process that uses a store; see store-process.ts for what it can be told. */
export class StoreProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  /** What it has printed beside its answers. */
  errors = "";

  static async start(path: string, options: ProcessOptions = {}): Promise<StoreProcess> {
    return new StoreProcess(await program, path, options);
  }

  private constructor(script: string, path: string, { deadline = 10_000, env, within = [] }: ProcessOptions) {
    const [command = "", ...args] = [...within, process.execPath, script, path, String(deadline)];
    this.#child = spawn(command, args, { env: { ...process.env, ...env } });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = once(this.#child, "close");
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
  }

  tell(command: string, ...given: unknown[]): void {
    this.#child.stdin.write(`${JSON.stringify([command, ...given])}\n`);
  }

  /** The next thing that it says; undefined once it has ended. */
  async hear(): Promise<Said | undefined> {
    const { done, value } = await this.#lines.next();
    return done ? undefined : JSON.parse(value);
  }

  /** Its answer to a command. */
  async ask<T>(command: string, ...given: unknown[]): Promise<T> {
    this.tell(command, ...given);
    const { answer, error } = (await this.hear()) ?? (await this.#silent());
    if (error) throw new Error(`${error.code}: ${error.message}`);
    return answer as T;
  }

  /** The error with which it refuses a command. */
  async refusal(command: string, ...given: unknown[]): Promise<Refusal> {
    this.tell(command, ...given);
    const { error } = (await this.hear()) ?? (await this.#silent());
    if (error === undefined) throw new Error(`${command} succeeded`);
    return error;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** All that it has said and nobody has heard, once it has ended. */
  async rest(): Promise<Said[]> {
    const said: Said[] = [];
    for (let line = await this.hear(); line; line = await this.hear()) said.push(line);
    await this.#ended;
    return said;
  }

  /** Lets it end by itself; gives its exit code, or the signal that ended it. */
  async end(): Promise<number | string> {
    this.#child.stdin.end();
    await this.#ended;
    return this.exit;
  }

  get exit(): number | string {
    return this.#child.exitCode ?? this.#child.signalCode ?? "";
  }

  /** Kills it; gives all that it has said and nobody has heard. */
  async kill(): Promise<Said[]> {
    this.#child.kill("SIGKILL");
    return this.rest();
  }

  async #silent(): Promise<never> {
    await this.#ended;
    throw new Error(`the process ended without an answer (${this.exit}): ${this.errors}`);
  }
}
