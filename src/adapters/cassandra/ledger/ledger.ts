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
import { isTaskError, TaskError } from "../../../core/errors.js";
import { joinKey, type TaskKey } from "../../../core/keys.js";
import { latestOf, type Version } from "../../../core/version.js";
import { InFlightLimit } from "../batching/in-flight-limit.js";
import { JoinedFinds } from "../batching/joined-finds.js";
import type { ClockGuard } from "../clock-guard.js";
import { partitionOf, partitionsOf } from "../model/partition.js";
import { type LedgerContext, type LedgerParts, ledgerContext } from "./context.js";
import { readList } from "./list-scan.js";
import { PartitionEntries } from "./partition-entries.js";
import { Sweeper, type SweepReport } from "./sweeper.js";

/** Number of attempts of a save whose acknowledgements come too late to count. */
const LATE_SAVES = 3;

/** Maximum number of partitions that are checked at once. */
const PARTITIONS_AT_ONCE = 32;

/** The ledger of a keyspace: what the adapter does once it is connected. It uses the session, not the driver. */
export class Ledger {
  readonly #context: LedgerContext;
  readonly #finds: JoinedFinds;
  readonly #limit: InFlightLimit;
  readonly #sweeper: Sweeper;
  /** The version that this process made last of each id that is being saved. */
  readonly #latest = new Map<string, Version>();

  constructor(parts: LedgerParts) {
    this.#context = ledgerContext(parts);
    const { session, runtime, policy, inFlight } = this.#context;
    this.#finds = new JoinedFinds(session, runtime, policy, inFlight);
    this.#limit = new InFlightLimit(parts.options.pending);
    this.#sweeper = new Sweeper(this.#context, parts.options.sweep);
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
    return Promise.all(entries.map((entry) => this.#save(entry, options)));
  }

  async complete(entries: readonly CompleteEntry[], options: WriteOptions): Promise<Outcome<void>[]> {
    // What this process saves from now on must not fall under these deletions.
    for (const { savedAt } of entries) this.#context.runtime.clock.observe(savedAt);
    return Promise.all(entries.map((entry) => this.#complete(entry, options)));
  }

  find(keys: readonly TaskKey[], signal?: AbortSignal): Promise<(StoredTask | undefined)[]> {
    return Promise.all(keys.map((key) => this.#find(key, signal)));
  }

  all(taskList: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    return readList(this.#context, taskList, options, this.#sweeper.afterScan);
  }

  sweep(taskList: string, signal?: AbortSignal): Promise<SweepReport> {
    return this.#sweeper.sweep(taskList, signal);
  }

  /** Whether no task of a list is open. */
  async isEmpty(taskList: string, signal?: AbortSignal): Promise<boolean> {
    for await (const _ of this.all(taskList, { pageSize: 1, maxPageBytes: 1, withoutBodies: true, signal }))
      return false;
    return true;
  }

  /** Checks the beginning of each partition of some lists, where completed tasks would be. */
  async findUnswept(lists: readonly string[], signal?: AbortSignal): Promise<Finding> {
    const partitions = lists.flatMap((taskList) => partitionsOf(taskList, this.#context.shards));
    const heavy = new Set<string>();
    await forEachConcurrently(partitions, PARTITIONS_AT_ONCE, async (partition) => {
      const entries = new PartitionEntries(this.#context, partition, this.#context.startScan(), { signal });
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

  /** Ends scans and sweeps; resolves when calls are `idle`, and nothing is in flight any more. */
  async close(idle?: Promise<void>): Promise<void> {
    this.#context.closing.abort(new TaskError("CLOSED", "the adapter has been closed"));
    await idle;
    await this.#context.inFlight.ended();
  }

  /** A save that was acknowledged too late is made again, at a new version, unless it has been overwritten since. */
  async #save(entry: SaveEntry, { signal, isBulk }: WriteOptions): Promise<Outcome<Version>> {
    const { rules, limits, shards, runtime, guard, commit } = this.#context;
    const { length } = entry.body;
    const partition = partitionOf(entry, shards);
    const name = joinKey(entry);
    let { replaces } = entry;
    let version: Version | undefined;
    let late: Version | undefined;
    try {
      await this.#limit.enter(length, signal, isBulk);
    } catch (error) {
      return failure(error, entry);
    }
    const end = commit.deadline();
    try {
      for (let attempt = 0; attempt < LATE_SAVES; attempt++) {
        await guard.untilTrusted(signal);
        version = runtime.clock.next(latestOf(replaces));
        this.#latest.set(name, version);
        await commit.write(partition, rules.saving(entry, version), signal, end);
        if (rules.isAcknowledged(version, runtime.clock.now(), limits)) {
          for (const savedAt of replaces) commit.remove(partition, rules.removingReplaced(entry.id, savedAt));
          return { ok: true, value: version };
        }
        late = version;
        if (this.#latest.get(name) !== version) break;
        replaces = [version, ...replaces];
      }
      const message = "Cassandra: its answers came too late to count: the process was stopped, or is far too busy";
      throw new TaskError("TIMEOUT", message, { outcome: "unknown" });
    } catch (error) {
      return failure(error, entry, version, late);
    } finally {
      if (this.#latest.get(name) === version) this.#latest.delete(name);
      this.#limit.leave(length);
    }
  }

  /** A wrong clock does no harm here: the write has the version's own timestamp. */
  async #complete(entry: CompleteEntry, { signal, isBulk }: WriteOptions): Promise<Outcome<void>> {
    const { rules, shards, commit } = this.#context;
    const partition = partitionOf(entry, shards);
    try {
      await this.#limit.enter(0, signal, isBulk);
    } catch (error) {
      return failure(error, entry);
    }
    try {
      await commit.write(partition, rules.completing(entry.id, entry.savedAt), signal);
      this.#sweeper.noteCompletion(partition);
      return { ok: true, value: undefined };
    } catch (error) {
      return failure(error, entry);
    } finally {
      this.#limit.leave(0);
    }
  }

  /** What this process saves from now on is later than what was found. */
  async #find(key: TaskKey, signal?: AbortSignal): Promise<StoredTask | undefined> {
    const stored = await this.#finds.find(partitionOf(key, this.#context.shards), key.id, signal);
    if (stored) this.#context.runtime.clock.observe(stored.savedAt);
    return stored;
  }
}

/**
 * The failed outcome. A save that may have been applied reports its version: the task has it from now on, and completing it
 * covers the older ones, too. `late` is a version that was applied, and acknowledged too late to count.
 */
function failure(error: unknown, { taskList, id }: TaskKey, version?: Version, late?: Version): Outcome<never> {
  const known = isTaskError(error)
    ? error
    : new TaskError("UNAVAILABLE", String(error), { outcome: "unknown", cause: error });
  const attempted = known.outcome === "unknown" ? version : late;
  const outcome = attempted === undefined ? known.outcome : "unknown";
  const { code, message, field, cause } = known;
  return { ok: false, error: new TaskError(code, message, { taskList, id, field, outcome, cause }), attempted };
}
