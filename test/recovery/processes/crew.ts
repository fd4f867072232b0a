import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import type { WorkerOptions } from "./worker-options.js";

const root = resolve(import.meta.dirname, "../../..");

/** A time in which a worker did nothing. */
export interface Stop {
  readonly worker: string;
  readonly from: number;
  /** Infinity if the worker was killed. */
  readonly to: number;
}

interface Member {
  readonly worker: string;
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  errors: string;
}

/** Workers that recover one list, each in its own process; some are killed, and some are stopped. */
export class Crew {
  readonly #program: string;
  readonly #options: Omit<WorkerOptions, "worker">;
  readonly #members: Member[] = [];
  readonly stops: Stop[] = [];
  /** Rejects when a worker ends unexpectedly. */
  readonly failure: Promise<never>;
  #fail: (error: Error) => void = () => {};
  #isDismissed = false;
  #hired = 0;
  #next = 0;

  /** Workers start faster from a bundle than from the sources. */
  static async hire(count: number, options: Omit<WorkerOptions, "worker">): Promise<Crew> {
    const outfile = join(root, `.cache/recovery/worker-${process.pid}.mjs`);
    await build({
      absWorkingDir: root,
      entryPoints: ["test/recovery/processes/worker.ts"],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      logLevel: "warning",
    });
    const crew = new Crew(outfile, options);
    for (let i = 0; i < count; i++) crew.#hireOne();
    return crew;
  }

  private constructor(program: string, options: Omit<WorkerOptions, "worker">) {
    this.#program = program;
    this.#options = options;
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => undefined);
  }

  /** Kills a worker during its work, and starts another. */
  async kill(): Promise<void> {
    const member = this.#pick();
    const from = Date.now();
    member.process.kill("SIGKILL");
    await member.ended;
    this.stops.push({ worker: member.worker, from, to: Number.POSITIVE_INFINITY });
    this.#members.splice(this.#members.indexOf(member), 1);
    this.#hireOne();
  }

  /**
   * Stops a worker for a time, and continues it. If no worker does anything then, all others wait for it, for example since it
   * holds the lock of an SQLite file: it is then stopped at another moment.
   */
  async stop(milliseconds: number): Promise<void> {
    const member = this.#pick();
    for (let tries = 0; tries < 20; tries++) {
      const from = Date.now();
      member.process.kill("SIGSTOP");
      const isInTheWay = !(await this.#isAtWork());
      if (!isInTheWay) await sleep(milliseconds);
      member.process.kill("SIGCONT");
      this.stops.push({ worker: member.worker, from, to: Date.now() });
      if (!isInTheWay) return;
      await sleep(10);
    }
  }

  /** Whether anything is noted in the next moment. */
  async #isAtWork(): Promise<boolean> {
    await sleep(20);
    const { size } = statSync(this.#options.log);
    await sleep(150);
    return statSync(this.#options.log).size > size;
  }

  /** Lets all end by themselves. */
  async dismiss(): Promise<void> {
    this.#isDismissed = true;
    for (const { process } of this.#members) process.kill("SIGTERM");
    await Promise.all(this.#members.map(({ ended }) => ended));
    for (const { process, errors } of this.#members) if (process.exitCode !== 0) throw new Error(errors);
  }

  /** Kills all, however the test has ended. */
  killAll(): void {
    for (const { process } of this.#members) process.kill("SIGKILL");
  }

  #hireOne(): void {
    const worker = `worker ${++this.#hired}`;
    const given = JSON.stringify({ worker, ...this.#options } satisfies WorkerOptions);
    const child = spawn(process.execPath, [this.#program, given], { stdio: ["pipe", "ignore", "pipe"] });
    const member: Member = { worker, process: child, ended: once(child, "exit"), errors: "" };
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      member.errors += text;
    });
    member.ended.then(() => {
      const isKilled = this.#isDismissed || child.signalCode === "SIGKILL";
      if (!isKilled) this.#fail(new Error(`${worker} ended with ${child.exitCode}: ${member.errors}`));
    });
    this.#members.push(member);
  }

  /** One after the other, so that each is met. */
  #pick(): Member {
    return this.#members[this.#next++ % this.#members.length] as Member;
  }
}
