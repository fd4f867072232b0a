import { Worker } from "node:worker_threads";
import { fromPlain } from "./errors.js";
import type { Group, PlainError, Reply, Request, Result, ThreadStart } from "./operations.js";
import { threadCode } from "./thread-code.js";

/** The thread in which a file is written, so that no flush of the disk holds up this one. It is asked one thing at a time. */
export class WriteThread {
  readonly #worker: Worker;
  #settle: ((reply: Reply | Error) => void) | undefined;
  #hasEnded = false;

  /** Throws what opening the file throws. */
  static async start(start: ThreadStart): Promise<WriteThread> {
    const thread = new WriteThread(start);
    const reply = await thread.#reply();
    if (reply === "opened") return thread;
    await thread.#worker.terminate();
    throw fromPlain(reply as PlainError);
  }

  private constructor(start: ThreadStart) {
    // Its code is a text, so that it is found wherever a bundler puts this module. The process's own options, such as
    // --input-type, are not for it.
    this.#worker = new Worker(threadCode, { eval: true, workerData: start, execArgv: [] });
    this.#worker.on("message", (reply: Reply) => this.#settle?.(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("its thread was ended")));
  }

  /** Whether it can't be used any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What became of each operation. Rejects if the thread ends before it says so. */
  async write(group: Group): Promise<readonly Result[]> {
    return (await this.#ask(group)) as readonly Result[];
  }

  async close(): Promise<void> {
    if (!this.#hasEnded) await this.#ask("close").catch(() => undefined);
    await this.#worker.terminate();
  }

  #ask(request: Request): Promise<Reply> {
    this.#worker.postMessage(request);
    return this.#reply();
  }

  /** The process stays alive while a reply is awaited, and no longer. */
  #reply(): Promise<Reply> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#settle = (reply) => {
        this.#settle = undefined;
        this.#worker.unref();
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      };
    });
  }

  #end(error: Error): void {
    this.#hasEnded = true;
    this.#settle?.(error);
  }
}
