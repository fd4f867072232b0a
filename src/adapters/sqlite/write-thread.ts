import { Worker } from "node:worker_threads";
import { TaskError } from "../../errors.js";
import type { PlainError } from "./errors.js";
import { type Group, packGroup, type Reply, type Request, type Result, type WorkerStart } from "./operations.js";
import { workerCode } from "./worker-code.js";

/** The thread in which a file is written, so that no flush of the disk holds up this one. */
export class WriteThread {
  readonly #worker: Worker;
  readonly #awaited: ((reply: Reply | Error) => void)[] = [];
  #hasEnded = false;

  /** Throws what opening the file throws. */
  static async start(start: WorkerStart): Promise<WriteThread> {
    const thread = new WriteThread(start);
    const reply = await thread.#reply();
    if (reply.kind !== "refused") return thread;
    await thread.#worker.terminate();
    throw fromPlain(reply.error);
  }

  private constructor(start: WorkerStart) {
    // Its code is a text, so that it is found wherever a bundler puts this module.
    this.#worker = new Worker(workerCode, { eval: true, workerData: start });
    this.#worker.on("message", (reply: Reply) => this.#awaited.shift()?.(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the thread has ended")));
  }

  /** Whether it can't be used any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What became of each operation of a group. Rejects if the thread ends before it says so. */
  async write(group: Group): Promise<readonly Result[]> {
    const packed = packGroup(group);
    this.#send({ kind: "write", group: packed }, packed.bodies.buffer);
    const reply = await this.#reply();
    return reply.kind === "written" ? reply.results : [];
  }

  async close(): Promise<void> {
    if (this.#hasEnded) return;
    this.#send({ kind: "close" });
    await this.#reply().catch(() => undefined);
    await this.#worker.terminate();
  }

  #send(request: Request, ...transferred: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transferred);
  }

  /** The process stays alive while a reply is awaited, and no longer. */
  #reply(): Promise<Reply> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#awaited.push((reply) => {
        if (this.#awaited.length === 0) this.#worker.unref();
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      });
    });
  }

  #end(error: Error): void {
    this.#hasEnded = true;
    for (const settle of this.#awaited.splice(0)) settle(error);
  }
}

export function fromPlain({ code, message, field, outcome }: PlainError): TaskError {
  return new TaskError(code, message, { field, outcome });
}
