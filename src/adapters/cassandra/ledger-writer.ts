import type { CompleteEntry, Outcome, SaveEntry } from "../../adapter.js";
import { isTaskError, TaskError } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import { latestOf, type Version } from "../../version.js";
import type { Admission } from "./admission.js";
import type { Background } from "./background.js";
import type { ClockGuard } from "./clock.js";
import type { GroupCommit } from "./group-commit.js";
import type { Host } from "./host.js";
import type { LedgerLimits, LedgerPlace, LedgerRules } from "./rules.js";
import { SavesUnderWay, type VersionsUnderWay } from "./saves-under-way.js";
import { type Partition, partitionOf } from "./shard.js";

/** How often a save is tried whose acknowledgements come too late to count. */
const LATE_SAVES = 3;

export interface LedgerWriterOptions {
  readonly shards: number;
  readonly limits: LedgerLimits;
  readonly rules: LedgerRules;
}

/** Saves, completes and removes, by the rules of writing. */
export class LedgerWriter {
  readonly #host: Host;
  readonly #guard: ClockGuard;
  readonly #admission: Admission;
  readonly #commit: GroupCommit;
  readonly #background: Background;
  readonly #saves = new SavesUnderWay();
  readonly #options: LedgerWriterOptions;

  constructor(
    host: Host,
    guard: ClockGuard,
    admission: Admission,
    commit: GroupCommit,
    background: Background,
    options: LedgerWriterOptions,
  ) {
    this.#host = host;
    this.#guard = guard;
    this.#admission = admission;
    this.#commit = commit;
    this.#background = background;
    this.#options = options;
  }

  async save(entry: SaveEntry, signal: AbortSignal | undefined): Promise<Outcome<Version>> {
    try {
      // What need not wait keeps to one turn, so that it leaves together.
      if (!this.#admission.tryEnter(entry.size)) await this.#admission.enter(entry.size, signal);
    } catch (error) {
      return failure(error, entry);
    }
    const made = this.#saves.enter(entry);
    try {
      return await this.#saveAdmitted(entry, made, signal);
    } finally {
      this.#saves.leave(made);
      this.#admission.leave(entry.size);
    }
  }

  async #saveAdmitted(
    entry: SaveEntry,
    made: VersionsUnderWay,
    signal: AbortSignal | undefined,
  ): Promise<Outcome<Version>> {
    const { limits, rules } = this.#options;
    const partition = this.partitionOf(entry);
    let replaced = entry.replaces;
    /** A version that was applied, and answered too late to count. */
    let late: Version | undefined;
    for (let attempt = 1; ; attempt++) {
      let savedAt: Version | undefined;
      try {
        if (!this.#guard.isTrusted) await this.#guard.untilTrusted(signal);
        savedAt = this.#host.clock.next(latestOf(replaced));
        made.latest = savedAt;
        const mutations = [...rules.saving(entry, savedAt), ...rules.replacing(entry.id, replaced)];
        await this.#commit.write(partition, mutations, signal);
      } catch (error) {
        const failed = failure(error, entry, savedAt && rules.versionAfterUnknown(savedAt));
        return late === undefined ? failed : applied(failed, rules.versionAfterUnknown(late));
      }
      if (rules.isAcknowledged(savedAt, this.#host.clock.now(), limits)) {
        for (const version of replaced) this.removeReplaced(partition, { id: entry.id, savedAt: version });
        return { ok: true, value: savedAt };
      }
      // It is saved again, at a new version, unless it has been overwritten since.
      late = savedAt;
      if (attempt === LATE_SAVES || made.latest > savedAt)
        return failure(tooLate(), entry, rules.versionAfterUnknown(savedAt));
      replaced = [savedAt, ...replaced];
    }
  }

  /** A clock that is off does no harm here: what is written bears the version's own timestamp. */
  async complete(entry: CompleteEntry, partition: Partition, signal: AbortSignal | undefined): Promise<Outcome<void>> {
    const { id, savedAt } = entry;
    // What this process saves from now on must not fall under this deletion.
    this.#host.clock.observe(savedAt);
    try {
      if (!this.#admission.tryEnter(0)) await this.#admission.enter(0, signal);
    } catch (error) {
      return failure(error, entry);
    }
    try {
      const mutations = this.#options.rules.completing(id, savedAt, this.#host.clock.now());
      await this.#commit.write(partition, mutations, signal);
      return { ok: true, value: undefined };
    } catch (error) {
      return failure(error, entry);
    } finally {
      this.#admission.leave(0);
    }
  }

  /** Removes an entry that leads to no task, as completing it does. */
  removeAbsent(partition: Partition, { id, savedAt }: LedgerPlace): void {
    const mutations = this.#options.rules.completing(id, savedAt, this.#host.clock.now());
    this.#background.run(() => this.#commit.write(partition, mutations));
  }

  /** Removes the entry of a version that a later one replaced. */
  removeReplaced(partition: Partition, { id, savedAt }: LedgerPlace): void {
    const mutations = this.#options.rules.removingReplaced(id, savedAt);
    this.#background.run(() => this.#commit.write(partition, mutations));
  }

  partitionOf(key: TaskKey): Partition {
    return partitionOf(key, this.#options.shards);
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

/** The failed outcome. A save that may have been applied tells its version: the task has it from now on. */
function failure(error: unknown, { taskList, id }: TaskKey, attempted?: Version): Failure {
  const known = isTaskError(error)
    ? error
    : new TaskError("UNAVAILABLE", String(error), { outcome: "unknown", cause: error });
  const { code, message, field, outcome, cause } = known;
  const named = new TaskError(code, message, { taskList, id, field, outcome, cause });
  return attempted !== undefined && outcome === "unknown"
    ? { ok: false, error: named, attempted }
    : { ok: false, error: named };
}

/** The outcome of a save that was applied at an earlier version, whatever kept it from being saved again. */
function applied({ error, attempted }: Failure, earlier: Version | undefined): Failure {
  const { code, message, taskList, id, field, cause } = error;
  const unknown = new TaskError(code, message, { taskList, id, field, outcome: "unknown", cause });
  return { ok: false, error: unknown, attempted: attempted ?? earlier };
}
