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
  /** How many tasks it has done. */
  done = 0;
  /** Why the first of the tasks that failed did so. */
  leftOpen: string | undefined;
  #failure: string | undefined;
  #killed = false;

  constructor(script: string, job: Job & { source?: string }, stdio: StdioOptions) {
    super();
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.#process = fork(path, { stdio, env: { ...process.env, [JOB]: JSON.stringify(job) } });
    process.prependListener("exit", () => this.crash());
    this.#process.on("message", (message) => this.#hear(message as Message));
    // "close" comes after the last message, "exit" may not.
    this.#ended = once(this.#process, "close");
  }

  get stdout(): ChildProcess["stdout"] {
    return this.#process.stdout;
  }

  /** Ends it as a crash does: at once, whatever it is doing. */
  crash(): void {
    this.#killed = this.#process.kill("SIGKILL");
  }

  /** Asks it to end. */
  dismiss(): void {
    this.#process.kill("SIGTERM");
    this.#killed = true;
  }

  /** Rejects with its reason where it failed, unless it was made to end. */
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
