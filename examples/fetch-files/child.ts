import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import { JOB, type Job, type Message } from "./messages.js";

/** One of the example's processes, as the main one sees it. */
export class Child extends EventEmitter<{ saved: [number]; done: [number]; "all-saved": [] }> {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** The files whose tasks it has saved. */
  readonly saved: string[] = [];
  /** The number of tasks that it has done. */
  done = 0;
  /** The error of the first task that failed. */
  leftOpen: string | undefined;
  #failure: string | undefined;
  #killed = false;

  constructor(script: string, job: Job & { source?: string }, stdio: StdioOptions) {
    super();
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.#process = fork(path, { stdio, env: { ...process.env, [JOB]: JSON.stringify(job) } });
    process.prependListener("exit", () => this.crash());
    this.#process.on("message", (message) => this.#hear(message as Message));
    // "close" is emitted after the last message, "exit" perhaps before.
    this.#ended = once(this.#process, "close");
  }

  get stdout(): ChildProcess["stdout"] {
    return this.#process.stdout;
  }

  /** Kills it at once, like a crash. */
  crash(): void {
    this.#killed = this.#process.kill("SIGKILL");
  }

  /** Asks it to end. */
  dismiss(): void {
    this.#process.kill("SIGTERM");
    this.#killed = true;
  }

  /** Rejects with the reason if it failed, unless it was killed. */
  async ended(): Promise<void> {
    await this.#ended;
    if (this.#failure) throw new Error(this.#failure);
    if (!this.#killed && this.#process.exitCode !== 0) throw new Error("a process of the example ended unexpectedly");
  }

  #hear(message: Message): void {
    if (message.event === "failed") this.#failure = message.reason;
    else if (message.event === "left-open") this.leftOpen ??= message.reason;
    else if (message.event === "saved") this.emit("saved", this.saved.push(message.file));
    else if (message.event === "done") this.emit("done", ++this.done);
    else this.emit("all-saved");
  }
}
