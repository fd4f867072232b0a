import type { CompleteEntry, Outcome, SaveEntry, WriteOptions } from "../../../adapter/adapter.js";
import { isTaskError, TaskError } from "../../../core/errors.js";
import { joinKey, type TaskKey } from "../../../core/keys.js";
import { latestOf, type Version } from "../../../core/version.js";
import type { InFlightLimit } from "../batching/in-flight-limit.js";
import { type Partition, partitionOf } from "../model/partition.js";
import type { Mutation } from "../model/session.js";
import type { LedgerContext } from "./context.js";

/** Number of attempts of a save whose acknowledgements come too late to count. */
const LATE_SAVES = 3;

/** Maximum number of removals in flight; the rest is left to later scans. */
const MAX_REMOVALS = 10_000;

/** Saves, completes and removes, by the rules of writing. */
export class LedgerWriter {
  readonly #context: LedgerContext;
  readonly #limit: InFlightLimit;
  /** The version that this process made last of each id that is being saved. */
  readonly #latest = new Map<string, Version>();
  #removals = 0;

  constructor(context: LedgerContext, limit: InFlightLimit) {
    this.#context = context;
    this.#limit = limit;
  }

  /** A save that was acknowledged too late is made again, at a new version, unless it has been overwritten since. */
  async save(entry: SaveEntry, { signal, isBulk }: WriteOptions): Promise<Outcome<Version>> {
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
          for (const savedAt of replaces) this.remove(partition, rules.removingReplaced(entry.id, savedAt));
          return { ok: true, value: version };
        }
        late = version;
        if (this.#latest.get(name) !== version) break;
        replaces = [version, ...replaces];
      }
      throw tooLate();
    } catch (error) {
      return failure(error, entry, version, late);
    } finally {
      if (this.#latest.get(name) === version) this.#latest.delete(name);
      this.#limit.leave(length);
    }
  }

  /** A wrong clock does no harm here: the write has the version's own timestamp. */
  async complete(entry: CompleteEntry, partition: Partition, { signal, isBulk }: WriteOptions): Promise<Outcome<void>> {
    const { rules, commit, runtime } = this.#context;
    // What this process saves from now on must not fall under this deletion.
    runtime.clock.observe(entry.savedAt);
    try {
      await this.#limit.enter(0, signal, isBulk);
    } catch (error) {
      return failure(error, entry);
    }
    try {
      await commit.write(partition, rules.completing(entry.id, entry.savedAt), signal);
      return { ok: true, value: undefined };
    } catch (error) {
      return failure(error, entry);
    } finally {
      this.#limit.leave(0);
    }
  }

  /** In the background: what it leaves undone is found again by a later scan. */
  remove(partition: Partition, mutations: readonly Mutation[]): void {
    if (this.#removals >= MAX_REMOVALS) return;
    this.#removals++;
    const done = () => void this.#removals--;
    this.#context.commit.write(partition, mutations).then(done, done);
  }
}

function tooLate(): TaskError {
  const message = "Cassandra: its answers came too late to count: the process was stopped, or is far too busy";
  return new TaskError("TIMEOUT", message, { outcome: "unknown" });
}

interface Failure {
  readonly ok: false;
  readonly error: TaskError;
  readonly attempted?: Version | undefined;
}

/**
 * The failed outcome. A save that may have been applied reports its version: the task has it from now on, and completing it
 * covers the older ones, too. `late` is a version that was applied, and answered too late to count.
 */
function failure(error: unknown, { taskList, id }: TaskKey, version?: Version, late?: Version): Failure {
  const known = isTaskError(error)
    ? error
    : new TaskError("UNAVAILABLE", String(error), { outcome: "unknown", cause: error });
  const attempted = known.outcome === "unknown" ? version : late;
  const outcome = attempted === undefined ? known.outcome : "unknown";
  const { code, message, field, cause } = known;
  return { ok: false, error: new TaskError(code, message, { taskList, id, field, outcome, cause }), attempted };
}
