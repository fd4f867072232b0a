import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Coordinates } from "../support/cassandra/supply.js";
import { CLOCK_LIMIT, type Failable, type HeldTask, type Situation } from "./actor.js";
import type { ClaimingActor, PlainClaim } from "./claiming.js";
import type { Language } from "./languages.js";

/** What a driver is told to open: a keyspace, or an SQLite file. */
export type DriverStore = DriverCassandra | { readonly path: string };

export interface DriverCassandra {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly dataCenter: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly keyspace: string;
}

export function driverCassandra(coordinates: Coordinates, keyspace: string): DriverCassandra {
  const { contactPoints, port, localDataCenter: dataCenter, credentials } = coordinates;
  const hosts = contactPoints.map((point) => point.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""));
  return { hosts, port, dataCenter, keyspace, ...(credentials && { credentials }) };
}

/** Starts the driver of a language. What it complains of is this process's. */
export function spawnDriver({ driver }: Language, ...args: string[]): ChildProcessWithoutNullStreams {
  const { command, cwd, env } = driver;
  const child = spawn(command, [...driver.args, ...args], { cwd, env: { ...process.env, ...env } });
  child.stderr.pipe(process.stderr, { end: false });
  return child;
}

/** A client in another language, to which one talks in lines of JSON. */
export class DriverActor implements ClaimingActor {
  readonly name: string;
  readonly #store: DriverStore | undefined;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  /** Without a store it can only pass tasks on. */
  constructor(language: Language, store: DriverStore | undefined) {
    this.name = language.name;
    this.#store = store;
    this.#process = spawnDriver(language, "serve");
    this.#process.stdin.on("error", () => undefined); // that it ended is seen when it is asked
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  async open(): Promise<void> {
    await this.ask({ op: "open", store: this.#store, clockLimit: String(CLOCK_LIMIT) });
  }

  save({ envelope, replaced }: HeldTask, situation: Situation): Promise<HeldTask & Failable> {
    return this.ask({ op: "save", envelope, replaced, ...tell(situation) });
  }

  complete(envelope: string, situation: Situation): Promise<Failable> {
    return this.ask({ op: "complete", envelope, ...tell(situation) });
  }

  async find(id: string, situation: Situation): Promise<string | null> {
    return (await this.ask<{ envelope: string | null }>({ op: "find", id, ...tell(situation) })).envelope;
  }

  async list(situation: Situation): Promise<readonly string[]> {
    return (await this.ask<{ envelopes: readonly string[] }>({ op: "list", ...tell(situation) })).envelopes;
  }

  async claim(envelope: string, owner: string, lease: number, situation: Situation): Promise<PlainClaim | null> {
    return (await this.ask<{ claim: PlainClaim | null }>({ op: "claim", envelope, owner, lease, ...tell(situation) }))
      .claim;
  }

  renew(claim: PlainClaim, lease: number, situation: Situation): Promise<Failable & { claim: PlainClaim | null }> {
    return this.ask({ op: "renew", claim, lease, ...tell(situation) });
  }

  async release(claim: PlainClaim, retryIn: number, situation: Situation): Promise<void> {
    await this.ask({ op: "release", claim, retryIn, ...tell(situation) });
  }

  async forget(claim: PlainClaim, situation: Situation): Promise<void> {
    await this.ask({ op: "forget", claim, ...tell(situation) });
  }

  async ask<T>(command: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the driver of ${this.name} ended`);
    return JSON.parse(value) as T;
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) {
      this.#process.kill();
      await once(this.#process, "close");
    }
  }
}

function tell({ taskList, now, serverNow, fault }: Situation) {
  return { taskList, now: String(now), serverNow: String(serverNow), ...(fault && { fault }) };
}
