import { Worker } from "node:worker_threads";
import { fromPlain } from "./errors.js";
import {
  type Group,
  type PlainError,
  pack,
  type Reply,
  type Request,
  type ThreadStart,
  type Written,
} from "./operations.js";
import { threadCode } from "./thread-code.js";

/** The thread in which a file is written, so that no flush of the disk holds up this one. */
export class WriteThread {
  readonly #worker: Worker;
  /** Those who wait for a reply, in the order in which they have asked. */
  readonly #waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
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
    this.#worker.on("message", (reply: Reply) => this.#next()?.resolve(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("its thread was ended")));
  }

  /** Whether it can't be used any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Groups are written one after the other. Rejects if the thread ends before it says what became of the group. */
  async write(group: Group): Promise<Written> {
    return (await this.#ask(pack(group))) as Written;
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
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #next() {
    const next = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    return next;
  }

  #end(error: Error): void {
    this.#hasEnded = true;
    while (this.#waiting.length > 0) this.#next()?.reject(error);
  }
}
