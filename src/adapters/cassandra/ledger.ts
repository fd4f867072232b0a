import type { AllOptions, CompleteEntry, Outcome, SaveEntry } from "../../adapter.js";
import { readStamp } from "../../envelope.js";
import type { TaskKey } from "../../keys.js";
import { DEFAULT_CLOCK_LIMIT, type Version } from "../../version.js";
import { Background } from "./background.js";
import { GroupCommit } from "./group-commit.js";
import type { Host } from "./host.js";
import { LedgerReader } from "./ledger-reader.js";
import { LedgerWriter } from "./ledger-writer.js";
import { type RetryPolicy, retryRead, toTaskError } from "./retry.js";
import type { LedgerLimits } from "./rules.js";
import type { LedgerSettings } from "./schema.js";
import type { LedgerSession } from "./session.js";
import { type Partition, shardOf } from "./shard.js";

/** Times in milliseconds. */
export interface LedgerOptions {
  /** How long an operation may take in all, its retries included; 10,000 by default. */
  readonly deadline?: number | undefined;
  /** How long one attempt may take; 3,000 by default. */
  readonly attemptTimeout?: number | undefined;
  /** How old what is removed from the ledger must be; 600,000 by default. */
  readonly margin?: number | undefined;
  /** The most tasks that leave for one partition in one batch; 256 by default. */
  readonly maxBatchTasks?: number | undefined;
  /** The most bytes of envelopes that do; 1 MiB by default. */
  readonly maxBatchBytes?: number | undefined;
}

/** Ids that one `find` query names. */
const FIND_IDS = 32;

/** The ledger of a keyspace: what the adapter does once it is connected. It knows the session, not the driver. */
export class Ledger {
  readonly #session: LedgerSession;
  readonly #settings: LedgerSettings;
  readonly #host: Host;
  readonly #limits: LedgerLimits;
  readonly #policy: RetryPolicy;
  readonly #background = new Background();
  readonly #commit: GroupCommit;
  readonly #writer: LedgerWriter;
  readonly #reader: LedgerReader;

  constructor(session: LedgerSession, settings: LedgerSettings, host: Host, options: LedgerOptions) {
    const { deadline = 10_000, attemptTimeout = 3_000, margin = 600_000 } = options;
    const { maxBatchTasks = 256, maxBatchBytes = 1024 * 1024 } = options;
    this.#session = session;
    this.#settings = settings;
    this.#host = host;
    this.#policy = { deadline, attemptTimeout };
    this.#limits = { clock: DEFAULT_CLOCK_LIMIT, margin: BigInt(margin) * 1000n };
    const batch = { ...this.#policy, maxOperations: maxBatchTasks, maxBytes: maxBatchBytes };
    this.#commit = new GroupCommit(session, host, batch);
    this.#writer = new LedgerWriter(this.#commit, host, this.#limits, settings.shards, this.#background);
    const reading = { ...this.#policy, shards: settings.shards, limits: this.#limits };
    this.#reader = new LedgerReader(session, host, this.#writer, reading);
  }

  /** Saves each entry; of several with one key only the last is written, as if the others had come and gone. */
  save(entries: readonly SaveEntry[], signal: AbortSignal | undefined): Promise<Outcome<Version>[]> {
    return Promise.all(entries.map((entry) => this.#writer.save(entry, signal)));
  }

  complete(entries: readonly CompleteEntry[], signal: AbortSignal | undefined): Promise<Outcome<void>[]> {
    return Promise.all(entries.map((entry) => this.#writer.complete(entry, signal)));
  }

  async find(keys: readonly TaskKey[], signal: AbortSignal | undefined): Promise<(Uint8Array | undefined)[]> {
    const found = new Map<string, Uint8Array>();
    const reads = [...this.#byPartition(keys)].flatMap(({ partition, ids }) =>
      chunks(ids, FIND_IDS).map(async (some) => {
        for (const { id, envelope } of await this.#readTasks(partition, some, signal)) {
          this.#host.clock.observe(readStamp(envelope).savedAt);
          found.set(keyOf({ taskList: partition.taskList, id }), envelope);
        }
      }),
    );
    await Promise.all(reads);
    return keys.map((key) => found.get(keyOf(key)));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    try {
      yield* this.#reader.all(taskList, options);
    } catch (error) {
      throw toTaskError(error, false, { taskList });
    }
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await this.#commit.idle();
    await this.#background.idle();
    await this.#commit.idle();
  }

  async #readTasks(partition: Partition, ids: readonly string[], signal: AbortSignal | undefined) {
    try {
      return await retryRead(this.#host, this.#policy, signal, (timeout) =>
        this.#session.readTasks(partition, ids, timeout),
      );
    } catch (error) {
      throw toTaskError(error, false, { taskList: partition.taskList });
    }
  }

  *#byPartition(keys: readonly TaskKey[]): Generator<{ partition: Partition; ids: string[] }> {
    const groups = new Map<string, { partition: Partition; ids: string[] }>();
    for (const { taskList, id } of keys) {
      const shard = shardOf(id, this.#settings.shards);
      const group = groups.get(keyOf({ taskList, id: String(shard) }));
      if (group) group.ids.push(id);
      else groups.set(keyOf({ taskList, id: String(shard) }), { partition: { taskList, shard }, ids: [id] });
    }
    yield* groups.values();
  }
}

/** Neither name holds a NUL. */
function keyOf({ taskList, id }: TaskKey): string {
  return `${taskList}\0${id}`;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
