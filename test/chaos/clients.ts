import type { LedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import type { CassandraConnectionOptions } from "../../src/adapters/cassandra/connect.js";
import { ClientProcess, type Orders } from "./client-process.js";
import { type Event, now } from "./log.js";
import type { Dice } from "./random.js";
import type { WorkloadOptions } from "./workload.js";

export interface ClientsOptions {
  readonly directory: string;
  readonly connection: CassandraConnectionOptions;
  readonly ledger: LedgerOptions;
  readonly broken: string | undefined;
  readonly workload: Omit<WorkloadOptions, "name">;
  readonly writers: number;
  readonly readers: number;
}

/** Maximum time for clients to end: several times the deadline of their calls. */
const END_TIMEOUT = 60_000;

/** The clients of a group: some that write, and some that only read. */
export class Clients {
  readonly #options: ClientsOptions;
  readonly #dice: Dice;
  readonly #note: (event: Event) => void;
  readonly #writers: ClientProcess[] = [];
  readonly #readers: ClientProcess[] = [];
  #started = 0;
  /** Clients that ended unexpectedly. */
  readonly failed: string[] = [];

  constructor(options: ClientsOptions, dice: Dice, note: (event: Event) => void) {
    this.#options = options;
    this.#dice = dice;
    this.#note = note;
  }

  /** Resolves when all have connected. */
  async start(): Promise<void> {
    for (let i = 0; i < this.#options.writers; i++) this.#writers.push(this.#start("write"));
    for (let i = 0; i < this.#options.readers; i++) this.#readers.push(this.#start("read"));
    await Promise.all(this.#all.map((client) => client.connected));
  }

  /** One of the clients that write. */
  pick(): ClientProcess {
    return this.#dice.pick(this.#writers);
  }

  /** Kills a client, and starts a new one in its place. */
  async replace(client: ClientProcess): Promise<void> {
    const index = this.#writers.indexOf(client);
    if (index !== -1) this.#writers[index] = this.#start("write");
    await this.#kill(client);
  }

  /** Lets all clients finish their current calls, and end. */
  async end(): Promise<void> {
    for (const client of this.#all) client.tell({ end: true });
    await Promise.all(this.#all.map((client) => this.#endOf(client)));
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#all.map((client) => this.#kill(client)));
  }

  /** Lets a new client read everything, and waits for it. */
  async audit(keys: Orders["keys"]): Promise<void> {
    await this.#endOf(this.#start("audit", keys), 10 * END_TIMEOUT);
  }

  get #all(): ClientProcess[] {
    return [...this.#writers, ...this.#readers];
  }

  async #endOf(client: ClientProcess, timeout = END_TIMEOUT): Promise<void> {
    const timer = setTimeout(() => void this.#kill(client), timeout);
    if (!(await client.ended())) this.failed.push(client.name);
    clearTimeout(timer);
    this.#note({ at: now(), gone: client.name });
  }

  async #kill(client: ClientProcess): Promise<void> {
    await client.kill("SIGKILL");
    this.#note({ at: now(), gone: client.name });
  }

  #start(does: Orders["does"], keys: Orders["keys"] = []): ClientProcess {
    const { directory, connection, ledger, broken, workload } = this.#options;
    const name = `${does}-${++this.#started}`;
    const seed = this.#dice.below(2 ** 31);
    const orders = { name, directory, seed, connection, ledger, broken, does, workload, keys };
    return new ClientProcess(orders, (bytes) => this.pick().tell({ task: bytes }));
  }
}
