import type { AllOptions, CompleteEntry, Outcome, SaveEntry, StoredTask, WriteOptions } from "../../adapter/adapter.js";
import { chunks, forEachConcurrently } from "../../core/concurrency.js";
import { TaskError } from "../../core/errors.js";
import { joinKey, type TaskKey } from "../../core/keys.js";
import { toMilliseconds, type Version } from "../../core/version.js";
import { Admission } from "./admission.js";
import { Background } from "./background.js";
import type { ClaimSession } from "./claim-session.js";
import { CassandraClaims } from "./claims.js";
import { ClockGuard } from "./clock.js";
import { GroupCommit } from "./group-commit.js";
import { GroupRead, IDS_A_READ } from "./group-read.js";
import type { Host } from "./host.js";
import { entriesARead, LedgerReader } from "./ledger-reader.js";
import { LedgerWriter } from "./ledger-writer.js";
import { type LedgerOptions, resolveLedgerOptions } from "./options.js";
import { type RetryPolicy, retryRead, toTaskError } from "./retry.js";
import { type LedgerRules, ledgerRules } from "./rules.js";
import type { LedgerSettings } from "./schema.js";
import type { LedgerSession } from "./session.js";
import { type Partition, partitionName, partitionOf } from "./shard.js";
import { Sweeper, type SweepReport } from "./sweeper.js";

/** Queries of one `find` that are under way at once. */
const CONCURRENCY = 32;

/** The ledger of a keyspace: what the adapter does once it is connected. It knows the session, not the driver. */
export class Ledger {
  readonly #session: LedgerSession;
  readonly #host: Host;
  readonly #shards: number;
  readonly #policy: RetryPolicy;
  /** In milliseconds. */
  readonly #claimTolerance: number;
  readonly #guard: ClockGuard;
  readonly #background = new Background();
  readonly #commit: GroupCommit;
  readonly #finds: GroupRead;
  readonly #writer: LedgerWriter;
  readonly #reader: LedgerReader;
  readonly #sweeper: Sweeper;

  constructor(
    session: LedgerSession,
    { shards, margin }: LedgerSettings,
    host: Host,
    options: LedgerOptions,
    rules: LedgerRules = ledgerRules,
    entriesPerRead: number = entriesARead(shards),
  ) {
    const { policy, batch, pending, clock, sweep } = resolveLedgerOptions(options);
    const limits = { clock: clock.limit, margin: BigInt(margin) * 1000n };
    this.#session = session;
    this.#host = host;
    this.#shards = shards;
    this.#policy = policy;
    this.#claimTolerance = toMilliseconds(2n * limits.clock);
    this.#guard = new ClockGuard(host, clock, () =>
      retryRead(host, policy, undefined, (timeout) => session.readClock(timeout)),
    );
    this.#commit = new GroupCommit(session, host, { ...policy, ...batch });
    this.#finds = new GroupRead(host, policy.deadline, (partition, ids, deadline, isWanted) =>
      this.#retry(partition, { ...policy, deadline }, undefined, (timeout) => {
        if (!isWanted()) throw new TaskError("ABORTED", "nobody waits for it any more");
        return session.readTasks(partition, ids, timeout);
      }),
    );
    const admission = new Admission(pending);
    const common = { shards, limits, rules };
    this.#writer = new LedgerWriter(host, this.#guard, admission, this.#commit, this.#background, common);
    this.#reader = new LedgerReader(session, host, this.#guard, this.#writer, {
      ...common,
      policy,
      entriesPerRead,
    });
    this.#sweeper = new Sweeper(host, this.#guard, this.#reader, this.#commit, { ...common, ...sweep });
  }

  /** Compares the clocks. Throws what reading the servers' clock throws; CLOCK_SKEW is for saves. */
  async open(): Promise<void> {
    try {
      await this.#guard.measure();
    } catch (error) {
      throw toTaskError(error, false);
    }
  }

  save(entries: readonly SaveEntry[], options: WriteOptions): Promise<Outcome<Version>[]> {
    return forAll(entries, (entry) => this.#writer.save(entry, options));
  }

  complete(entries: readonly CompleteEntry[], options: WriteOptions): Promise<Outcome<void>[]> {
    return forAll(entries, (entry) => {
      const partition = this.#writer.partitionOf(entry);
      return this.#writer.complete(entry, partition, options).then((outcome) => {
        if (outcome.ok) this.#sweeper.noteCompletion(partition);
        return outcome;
      });
    });
  }

  find(keys: readonly TaskKey[], signal: AbortSignal | undefined): Promise<(StoredTask | undefined)[]> {
    const [only] = keys;
    return keys.length === 1 ? this.#findOne(only as TaskKey, signal) : this.#findMany(keys, signal);
  }

  async #findOne(key: TaskKey, signal: AbortSignal | undefined): Promise<[StoredTask | undefined]> {
    const stored = await this.#finds.find(partitionOf(key, this.#shards), key.id, signal);
    return [stored && this.#meet(stored)];
  }

  async #findMany(keys: readonly TaskKey[], signal: AbortSignal | undefined): Promise<(StoredTask | undefined)[]> {
    const found = new Map<string, StoredTask>();
    const reads = this.#byPartition(keys).flatMap(({ partition, ids }) =>
      chunks(ids, IDS_A_READ).map((some) => ({ partition, ids: some })),
    );
    await forEachConcurrently(reads, CONCURRENCY, async ({ partition, ids }) => {
      const read = (timeout: number) => this.#session.readTasks(partition, ids, timeout);
      for (const stored of await this.#retry(partition, this.#policy, signal, read))
        found.set(joinKey({ taskList: partition.taskList, id: stored.id }), this.#meet(stored));
    });
    return keys.map((key) => found.get(joinKey(key)));
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    try {
      yield* this.#reader.all(taskList, options, this.#sweeper.afterPass);
    } catch (error) {
      throw toTaskError(error, false, { taskList });
    }
  }

  async sweep(taskList: string, signal: AbortSignal | undefined): Promise<SweepReport> {
    try {
      return await this.#sweeper.sweep(taskList, signal);
    } catch (error) {
      throw toTaskError(error, false, { taskList });
    }
  }

  /** The claims to its tasks. */
  claims(session: ClaimSession): CassandraClaims {
    return new CassandraClaims(session, this.#host, this.#guard, {
      policy: this.#policy,
      tolerance: this.#claimTolerance,
      versionOf: async (key, signal) => {
        const [stored] = await this.find([key], signal);
        return stored?.savedAt;
      },
    });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    await this.#sweeper.stop();
    await this.#background.stop();
    await this.#commit.idle();
    this.#finds.stop();
  }

  /** What this process saves from now on is later than this. */
  #meet(stored: StoredTask): StoredTask {
    this.#host.clock.observe(stored.savedAt);
    return stored;
  }

  async #retry<T>(
    { taskList }: Partition,
    policy: RetryPolicy,
    signal: AbortSignal | undefined,
    read: (timeout: number) => Promise<T>,
  ): Promise<T> {
    try {
      return await retryRead(this.#host, policy, signal, read);
    } catch (error) {
      throw toTaskError(error, false, { taskList });
    }
  }

  #byPartition(keys: readonly TaskKey[]): { partition: Partition; ids: string[] }[] {
    const groups = new Map<string, { partition: Partition; ids: string[] }>();
    for (const taskKey of keys) {
      const partition = partitionOf(taskKey, this.#shards);
      const name = partitionName(partition);
      const group = groups.get(name);
      if (group) group.ids.push(taskKey.id);
      else groups.set(name, { partition, ids: [taskKey.id] });
    }
    return [...groups.values()];
  }
}

/** What comes of each; most calls have but one. */
function forAll<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const [only] = items;
  return items.length === 1 ? work(only as T).then(alone) : Promise.all(items.map(work));
}

function alone<R>(result: R): R[] {
  return [result];
}
