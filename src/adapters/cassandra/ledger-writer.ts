import type { CompleteEntry, Outcome, SaveEntry, WriteOptions } from "../../adapter/adapter.js";
import { isTaskError, TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { latestOf, type Version } from "../../core/version.js";
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

/** A save that has been let in, until its outcome is known. */
interface SaveUnderWay {
  readonly entry: SaveEntry;
  readonly partition: Partition;
  readonly signal: AbortSignal | undefined;
  readonly made: VersionsUnderWay;
  replaced: readonly Version[];
  /** A version that was applied, and answered too late to count. */
  late: Version | undefined;
  attempts: number;
}

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

  // One of these is made for each save and complete of a busy process: they wait by callbacks where `async` functions
  // would hold a kilobyte each.

  save(entry: SaveEntry, { signal, isBulk }: WriteOptions): Promise<Outcome<Version>> {
    const partition = this.partitionOf(entry);
    // What need not wait keeps to one turn, so that it leaves together.
    if (this.#admission.tryEnter(entry.body.length)) return this.#saveAdmitted(entry, partition, signal);
    return this.#admission.enter(entry.body.length, signal, isBulk).then(
      () => this.#saveAdmitted(entry, partition, signal),
      (error) => failure(error, entry),
    );
  }

  #saveAdmitted(entry: SaveEntry, partition: Partition, signal: AbortSignal | undefined): Promise<Outcome<Version>> {
    const made = this.#saves.enter(entry);
    return this.#trySaving({ entry, partition, signal, made, replaced: entry.replaces, late: undefined, attempts: 0 });
  }

  #trySaving(save: SaveUnderWay): Promise<Outcome<Version>> {
    if (this.#guard.isTrusted) return this.#write(save);
    return this.#guard.untilTrusted(save.signal).then(
      () => this.#write(save),
      (error) => this.#failed(save, error),
    );
  }

  #write(save: SaveUnderWay): Promise<Outcome<Version>> {
    const { rules } = this.#options;
    const { entry, partition, signal, made, replaced } = save;
    let savedAt: Version | undefined;
    const failed = (error: unknown) => this.#failed(save, error, savedAt && rules.versionAfterUnknown(savedAt));
    try {
      const version = this.#host.clock.next(latestOf(replaced));
      savedAt = version;
      made.latest = version;
      const saving = rules.saving(entry, version);
      const mutations = replaced.length === 0 ? saving : [...saving, ...rules.replacing(entry.id, replaced)];
      return this.#commit.write(partition, mutations, signal).then(() => this.#acknowledged(save, version), failed);
    } catch (error) {
      return Promise.resolve(failed(error));
    }
  }

  /** A save that was acknowledged too late is made again, at a new version, unless it has been overwritten since. */
  #acknowledged(save: SaveUnderWay, savedAt: Version): Outcome<Version> | Promise<Outcome<Version>> {
    const { limits, rules } = this.#options;
    const { entry, partition, made, replaced } = save;
    if (rules.isAcknowledged(savedAt, this.#host.clock.now(), limits)) {
      for (const version of replaced) this.removeReplaced(partition, { id: entry.id, savedAt: version });
      return this.#ended(save, { ok: true, value: savedAt });
    }
    save.late = savedAt;
    save.attempts++;
    if (save.attempts === LATE_SAVES || made.latest > savedAt)
      return this.#ended(save, failure(tooLate(), entry, rules.versionAfterUnknown(savedAt)));
    save.replaced = [savedAt, ...replaced];
    return this.#trySaving(save);
  }

  #failed(save: SaveUnderWay, error: unknown, attempted?: Version | undefined): Outcome<Version> {
    const { entry, late } = save;
    const failed = failure(error, entry, attempted);
    return this.#ended(
      save,
      late === undefined ? failed : applied(failed, this.#options.rules.versionAfterUnknown(late)),
    );
  }

  #ended({ entry, made }: SaveUnderWay, outcome: Outcome<Version>): Outcome<Version> {
    this.#saves.leave(made);
    this.#admission.leave(entry.body.length);
    return outcome;
  }

  /** A clock that is off does no harm here: what is written bears the version's own timestamp. */
  complete(entry: CompleteEntry, partition: Partition, { signal, isBulk }: WriteOptions): Promise<Outcome<void>> {
    // What this process saves from now on must not fall under this deletion.
    this.#host.clock.observe(entry.savedAt);
    if (this.#admission.tryEnter(0)) return this.#completeAdmitted(entry, partition, signal);
    return this.#admission.enter(0, signal, isBulk).then(
      () => this.#completeAdmitted(entry, partition, signal),
      (error) => failure(error, entry),
    );
  }

  #completeAdmitted(
    entry: CompleteEntry,
    partition: Partition,
    signal: AbortSignal | undefined,
  ): Promise<Outcome<void>> {
    const mutations = this.#options.rules.completing(entry.id, entry.savedAt, this.#host.clock.now());
    const leave = (outcome: Outcome<void>) => {
      this.#admission.leave(0);
      return outcome;
    };
    return this.#commit.write(partition, mutations, signal).then(
      () => leave({ ok: true, value: undefined }),
      (error) => leave(failure(error, entry)),
    );
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
