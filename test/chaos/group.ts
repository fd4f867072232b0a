import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CassandraAdapter } from "taskledger/cassandra";
import type { LedgerOptions } from "../../src/adapters/cassandra/options.js";
import { Clients } from "./clients.js";
import type { ChaosCluster } from "./cluster.js";
import { type History, readsUntil, toHistory } from "./history.js";
import { judge, type Violation } from "./judge.js";
import { type Event, LogWriter, now, readLogs } from "./log.js";
import type { Dice } from "./random.js";
import type { WorkloadOptions } from "./workload.js";

export interface GroupOptions {
  readonly keyspace: string;
  /** The name of the mistake that its build has. */
  readonly broken: string | undefined;
  readonly ledger: LedgerOptions;
  readonly shards: number;
  readonly workload: Omit<WorkloadOptions, "name">;
  readonly writers: number;
  readonly readers: number;
}

export interface Verdict {
  readonly history: History;
  readonly violations: readonly Violation[];
  /** From when its clients had connected to the first violation, in seconds. */
  readonly foundAfter: number | undefined;
  /** What went wrong with the test itself. */
  readonly problems: readonly string[];
}

const DATA_CENTER = "datacenter1";

/** The clients of one keyspace, with their logs. */
export class Group {
  /** Its keyspace. */
  readonly name: string;
  readonly clients: Clients;
  readonly #directory: string;
  readonly #log: LogWriter;
  #began = 0;
  #isFoundOut = false;

  private constructor(name: string, clients: Clients, directory: string, log: LogWriter) {
    this.name = name;
    this.clients = clients;
    this.#directory = directory;
    this.#log = log;
  }

  static async gather(cluster: ChaosCluster, parent: string, dice: Dice, options: GroupOptions): Promise<Group> {
    const { keyspace, broken, ledger, shards, workload, writers, readers } = options;
    const directory = join(parent, keyspace);
    await mkdir(directory);
    const { contactPoints, port } = cluster;
    const connection = {
      contactPoints: [...contactPoints],
      localDataCenter: DATA_CENTER,
      keyspace,
      protocolOptions: { port },
    };
    const replication = { class: "NetworkTopologyStrategy", [DATA_CENTER]: 3 };
    await CassandraAdapter.createSchema({ ...connection, replication, shards });
    const log = new LogWriter(directory, "director");
    const plan = { directory, connection, ledger, broken, workload, writers, readers };
    const clients = new Clients(plan, dice, (event) => log.write(event));
    return new Group(keyspace, clients, directory, log);
  }

  /** Resolves when all clients have connected. */
  async start(): Promise<void> {
    await this.clients.start();
    this.#began = now();
  }

  /** Whether a check has seen a violation. */
  get isFoundOut(): boolean {
    return this.#isFoundOut;
  }

  /** Judges what has been read by now; whether there is a violation that no check had seen before. */
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
    const foundAfter = first && (first.at - this.#began) / 1e6;
    return { history, violations, foundAfter, problems: failures };
  }

  async #history(): Promise<History> {
    return toHistory(await readLogs(this.#directory));
  }
}
