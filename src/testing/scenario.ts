import { setTimeout as sleep } from "node:timers/promises";
import type { SaveEntry } from "../adapter/adapter.js";
import { Client, type ListingLimits } from "./client.js";
import { type EntryInit, newTaskList, taskEntry } from "./entries.js";
import type { AdapterFactory, ResolvedOptions } from "./options.js";

/** Statements about an adapter, each with a function that tests it. */
export interface CaseGroup {
  readonly group: string;
  /** The option that these cases require. */
  readonly needs?: "persistent" | "reads" | "redeliver" | "claims" | "sharedClaims" | "together" | "lists";
  readonly cases: Readonly<Record<string, (scenario: Scenario) => Promise<void>>>;
}

/** The environment of a case: an adapter that is not open yet, and a list of its own. */
export class Scenario {
  readonly client: Client;
  readonly list: string = newTaskList();
  readonly options: ResolvedOptions;
  readonly #createAdapter: AdapterFactory;
  readonly #clients: Client[];

  static async begin(createAdapter: AdapterFactory, options: ResolvedOptions): Promise<Scenario> {
    return new Scenario(createAdapter, options, new Client(await createAdapter(), listingLimits(options)));
  }

  private constructor(createAdapter: AdapterFactory, options: ResolvedOptions, client: Client) {
    this.#createAdapter = createAdapter;
    this.options = options;
    this.client = client;
    this.#clients = [client];
  }

  /** A save in this scenario's list. */
  readonly entry = (id: string, init?: EntryInit): SaveEntry => taskEntry(this.list, id, init);

  /** Saves in this scenario's list; their ids do not sort in this order. */
  readonly entries = (count: number): SaveEntry[] => Array.from({ length: count }, (_, i) => this.entry(`task-${i}`));

  /** Another adapter; on the same store, if the store outlives its adapters. */
  readonly another = async (): Promise<Client> => {
    const client = new Client(await this.#createAdapter(), listingLimits(this.options));
    this.#clients.push(client);
    return client;
  };

  async end(): Promise<void> {
    await Promise.all(this.#clients.map(({ adapter }) => adapter.close()));
  }
}

function listingLimits({ tasks, timeout }: ResolvedOptions): ListingLimits {
  return { maxTasks: 2 * tasks + 2000, maxTime: timeout / 2 };
}

/** Waits long enough for anything that was started by mistake to happen. */
export async function aMoment(): Promise<void> {
  await sleep(25);
}

/** Rejects if the promise takes longer than `timeout` milliseconds. */
export async function within<T>(promise: Promise<T>, timeout: number, what: string): Promise<T> {
  const waiting = new AbortController();
  const overdue = sleep(timeout, undefined, { signal: waiting.signal }).then(
    () => Promise.reject(new Error(`${what} took longer than ${timeout} ms`)),
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    waiting.abort();
  }
}
