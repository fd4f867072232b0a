import type {
  AllOptions,
  CompleteEntry,
  Finding,
  Outcome,
  SaveEntry,
  StoredTask,
  WriteOptions,
} from "../../../adapter/adapter.js";
import { forEachConcurrently } from "../../../core/concurrency.js";
import { TaskError } from "../../../core/errors.js";
import type { TaskKey } from "../../../core/keys.js";
import type { Version } from "../../../core/version.js";
import type { ResolvedOptions } from "../arguments.js";
import { GroupCommit } from "../batching/group-commit.js";
import { InFlightLimit } from "../batching/in-flight-limit.js";
import { JoinedFinds } from "../batching/joined-finds.js";
import { ClockGuard } from "../clock-guard.js";
import { InFlight } from "../in-flight.js";
import { partitionOf, partitionsOf } from "../model/partition.js";
import type { LedgerSession } from "../model/session.js";
import type { LedgerSettings } from "../model/settings.js";
import { retryRead } from "../retry.js";
import type { Runtime } from "../runtime.js";
import type { LedgerContext } from "./context.js";
import { defaultEntriesPerRead, openEntries, readList, startScan } from "./reader.js";
import { type LedgerRules, ledgerRules } from "./rules.js";
import { Sweeper, type SweepReport } from "./sweeper.js";
import { LedgerWriter } from "./writer.js";

export interface LedgerParts {
  readonly session: LedgerSession;
  readonly settings: LedgerSettings;
  readonly options: ResolvedOptions;
  readonly runtime: Runtime;
  /** Tracks background work. */
  readonly inFlight?: InFlight;
  readonly rules?: LedgerRules;
  readonly entriesPerRead?: number;
}

/** Maximum number of partitions that are checked at once. */
const PARTITIONS_AT_ONCE = 32;

/** The ledger of a keyspace: what the adapter does once it is connected. It uses the session, not the driver. */
export class Ledger {
  readonly #context: LedgerContext;
  readonly #closing = new AbortController();
  readonly #finds: JoinedFinds;
  readonly #writer: LedgerWriter;
  readonly #sweeper: Sweeper;

  constructor({ session, settings, options, runtime, inFlight = new InFlight(), ...rest }: LedgerParts) {
    const { shards, gracePeriod } = settings;
    const { policy, batch, pending, clock, sweep } = options;
    const { rules: ownRules = ledgerRules, entriesPerRead = defaultEntriesPerRead(shards) } = rest;
    const rules = options.readOnly ? withoutRemoving(ownRules) : ownRules;
    const readClock = () => retryRead(runtime, policy, undefined, (timeout) => session.readClock(timeout));
    const context = {
      session,
      runtime,
      guard: new ClockGuard(runtime, clock, readClock),
      commit: new GroupCommit(session, runtime, { ...policy, ...batch }, inFlight),
      inFlight,
      policy,
      shards,
      limits: { clock: clock.limit, gracePeriod: BigInt(gracePeriod) * 1000n },
      rules,
      entriesPerRead,
      closing: this.#closing.signal,
    };
    this.#context = context;
    this.#finds = new JoinedFinds(session, runtime, policy, inFlight);
    this.#writer = new LedgerWriter(context, new InFlightLimit(pending));
    this.#sweeper = new Sweeper(context, sweep);
  }

  /** Compares the host's clock with the servers'. */
  get clock(): ClockGuard {
    return this.#context.guard;
  }

  /** Compares the clocks. Throws what reading the servers' clock throws; CLOCK_SKEW is for saves. */
  open(): Promise<void> {
    return this.clock.measure();
  }

  save(entries: readonly SaveEntry[], options: WriteOptions): Promise<Outcome<Version>[]> {
    return Promise.all(entries.map((entry) => this.#writer.save(entry, options)));
  }

  complete(entries: readonly CompleteEntry[], options: WriteOptions): Promise<Outcome<void>[]> {
    return Promise.all(entries.map((entry) => this.#complete(entry, options)));
  }

  async #complete(entry: CompleteEntry, options: WriteOptions): Promise<Outcome<void>> {
    const partition = partitionOf(entry, this.#context.shards);
    const outcome = await this.#writer.complete(entry, partition, options);
    if (outcome.ok) this.#sweeper.noteCompletion(partition);
    return outcome;
  }

  find(keys: readonly TaskKey[], signal: AbortSignal | undefined): Promise<(StoredTask | undefined)[]> {
    return Promise.all(keys.map((key) => this.#find(key, signal)));
  }

  /** What this process saves from now on is later than what was found. */
  async #find(key: TaskKey, signal: AbortSignal | undefined): Promise<StoredTask | undefined> {
    const stored = await this.#finds.find(partitionOf(key, this.#context.shards), key.id, signal);
    if (stored) this.#context.runtime.clock.observe(stored.savedAt);
    return stored;
  }

  all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    return readList(this.#context, this.#writer, taskList, options, this.#sweeper.afterScan);
  }

  /** Checks the beginning of each partition of some lists, where completed tasks would be. */
  async findUnswept(lists: readonly string[], signal: AbortSignal | undefined): Promise<Finding> {
    const partitions = lists.flatMap((taskList) => partitionsOf(taskList, this.#context.shards));
    const heavy = new Set<string>();
    await forEachConcurrently(partitions, PARTITIONS_AT_ONCE, async (partition) => {
      const entries = await openEntries(this.#context, partition, startScan(this.#context), { signal });
      await entries.fill();
      if (entries.isHeavy) heavy.add(partition.taskList);
    });
    if (heavy.size === 0) return { check: "sweeps", status: "ok", text: `${lists.length} lists are swept` };
    const [first] = heavy;
    return {
      check: "sweeps",
      status: "warning",
      text: `of ${lists.length} lists, ${heavy.size} hold many completed tasks that no sweep has covered, such as ${first}`,
      advice:
        "They are slow to list until they are swept: by clients that complete tasks (sweepEvery), or by adapter.sweep.",
    };
  }

  /** Whether no task of a list is open. */
  async isEmpty(taskList: string, signal: AbortSignal | undefined): Promise<boolean> {
    for await (const _ of this.all(taskList, { pageSize: 1, maxPageBytes: 1, withoutBodies: true, signal }))
      return false;
    return true;
  }

  sweep(taskList: string, signal: AbortSignal | undefined): Promise<SweepReport> {
    return this.#sweeper.sweep(taskList, signal);
  }

  /** Ends scans and sweeps; resolves when nothing is in flight any more. */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    this.#sweeper.stop();
    await this.#context.inFlight.ended();
  }
}

/** For a client that only reads: removing is left to others. */
function withoutRemoving(rules: LedgerRules): LedgerRules {
  return { ...rules, mayRemoveAbsent: () => false, mayRemoveReplaced: () => false };
}

export function closedError(): TaskError {
  return new TaskError("CLOSED", "the adapter has been closed");
}
