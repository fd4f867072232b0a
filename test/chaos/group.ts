import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import type { CassandraConnectionOptions } from "../../src/adapters/cassandra/connect.js";
import { Clients } from "./clients.js";
import { type History, readsUntil, toHistory } from "./history.js";
import { judge, type Violation } from "./judge.js";
import { type Event, LogWriter, now, readLogs } from "./log.js";
import type { Dice } from "./random.js";
import type { WorkloadOptions } from "./workload.js";

export interface GroupOptions {
  readonly name: string;
  /** The name of the bug in its build. */
  readonly broken: string | undefined;
  readonly ledger: LedgerOptions;
  /** The names of its lists begin with the group's name. */
  readonly workload: Omit<WorkloadOptions, "name">;
  readonly writers: number;
  readonly readers: number;
}

export interface Verdict {
  readonly history: History;
  readonly violations: readonly Violation[];
  /** From the first save to the first violation, in seconds. */
  readonly foundAfter: number | undefined;
  /** Errors of the test itself. */
  readonly problems: readonly string[];
}

/** Clients of one build that share lists, with their logs. */
export class Group {
  readonly name: string;
  readonly clients: Clients;
  readonly #directory: string;
  readonly #log: LogWriter;
  #isFoundOut = false;

  private constructor(name: string, clients: Clients, directory: string, log: LogWriter) {
    this.name = name;
    this.clients = clients;
    this.#directory = directory;
    this.#log = log;
  }

  static async gather(
    connection: CassandraConnectionOptions,
    parent: string,
    dice: Dice,
    options: GroupOptions,
  ): Promise<Group> {
    const { name, ...rest } = options;
    const directory = join(parent, name);
    await mkdir(directory);
    const lists = options.workload.lists.map((list) => `${name}.${list}`);
    const log = new LogWriter(directory, "director");
    const plan = { ...rest, directory, connection, workload: { ...options.workload, lists } };
    const clients = new Clients(plan, dice, (event) => log.write(event));
    return new Group(name, clients, directory, log);
  }

  /** Whether a check has seen a violation. */
  get isFoundOut(): boolean {
    return this.#isFoundOut;
  }

  /** Checks the logs so far; returns whether there is a new violation. */
  async check(): Promise<boolean> {
    if (this.#isFoundOut) return false;
    const moment = now();
    this.#isFoundOut = judge(readsUntil(await this.#history(), moment)).length > 0;
    return this.#isFoundOut;
  }

  /** Keeps a record of what is done to the cluster and the clients. */
  note(event: Event): void {
    this.#log.write(event);
  }

  /** Lets a new client read everything that was ever saved. */
  async audit(): Promise<number> {
    const { saves } = await this.#history();
    const keys = new Map(saves.map(({ list, id }) => [`${list}\0${id}`, [list, id] as const]));
    await this.clients.audit([...keys.values()]);
    return keys.size;
  }

  async judge(): Promise<Verdict> {
    const history = await this.#history();
    const failures = this.clients.failed.map((name) => `${name} failed: see ${join(this.#directory, `${name}.err`)}`);
    const violations = judge(history);
    const [first] = violations;
    const began = history.saves.reduce((earliest, { start }) => Math.min(earliest, start), Infinity);
    const foundAfter = first && (first.at - began) / 1e6;
    return { history, violations, foundAfter, problems: failures };
  }

  async #history(): Promise<History> {
    return toHistory(await readLogs(this.#directory));
  }
}
