import type { CompleteEntry, Outcome, SaveEntry } from "../../adapter.js";
import { isTaskError, TaskError } from "../../errors.js";
import type { TaskKey } from "../../keys.js";
import type { Version } from "../../version.js";
import type { Background } from "./background.js";
import type { GroupCommit } from "./group-commit.js";
import type { Host } from "./host.js";
import { isWithinHalfMargin, type LedgerLimits } from "./rules.js";
import type { Mutation } from "./session.js";
import { type Partition, shardOf } from "./shard.js";

/** How often a save is tried whose acknowledgements come too late to count. */
const LATE_SAVES = 3;

/** Saves and completes, by the rules of writing: what is written at which timestamp, and what an answer means. */
export class LedgerWriter {
  readonly #commit: GroupCommit;
  readonly #host: Host;
  readonly #limits: LedgerLimits;
  readonly #shards: number;
  readonly #background: Background;

  constructor(commit: GroupCommit, host: Host, limits: LedgerLimits, shards: number, background: Background) {
    this.#commit = commit;
    this.#host = host;
    this.#limits = limits;
    this.#shards = shards;
    this.#background = background;
  }

  /**
   * Saves an entry. Both rows are written at its version, in one mutation. What it replaces is removed from the ledger
   * in the background, and only once the new version is acknowledged: if the removal went with the save, reached one
   * replica only, and a sweep passed, the task would be gone from the ledger.
   */
  async save(entry: SaveEntry, signal: AbortSignal | undefined): Promise<Outcome<Version>> {
    const partition = this.#partition(entry);
    let replaced = entry.replaces;
    for (let attempt = 1; ; attempt++) {
      let savedAt: Version | undefined;
      try {
        savedAt = this.#host.clock.next(latest(replaced));
        await this.#commit.write(partition, saveMutations(entry, savedAt), signal);
      } catch (error) {
        return failure(error, entry, savedAt);
      }
      if (isWithinHalfMargin(savedAt, this.#host.clock.now(), this.#limits)) {
        this.#removeReplaced(partition, entry.id, replaced);
        return { ok: true, value: savedAt };
      }
      if (attempt === LATE_SAVES) return failure(tooLate(), entry, savedAt);
      replaced = [savedAt, ...replaced];
    }
  }

  /**
   * Completes a version: removes both rows at its timestamp, which takes away that version and older ones and nothing
   * newer, whatever the hosts' clocks say, and which a late retry of the save can't undo.
   */
  async complete({ taskList, id, savedAt }: CompleteEntry, signal: AbortSignal | undefined): Promise<Outcome<void>> {
    // What this process saves from now on must not fall under this deletion.
    this.#host.clock.observe(savedAt);
    try {
      await this.#commit.write(this.#partition({ taskList, id }), completeMutations(id, savedAt), signal);
      return { ok: true, value: undefined };
    } catch (error) {
      return failure(error, { taskList, id });
    }
  }

  /** Removes an entry whose version is completed, or was never acknowledged: both rows, as completing it does. */
  removeAbsent(partition: Partition, id: string, savedAt: Version): void {
    this.#background.run(() => this.#commit.write(partition, completeMutations(id, savedAt)));
  }

  /**
   * Removes the entries of versions that a later one replaced; never the task row: a quorum that merges a replica from
   * before the save with one that has only the deletion would miss the task.
   */
  #removeReplaced(partition: Partition, id: string, versions: readonly Version[]): void {
    for (const savedAt of versions) this.removeReplaced(partition, id, savedAt);
  }

  removeReplaced(partition: Partition, id: string, savedAt: Version): void {
    const mutations: Mutation[] = [{ kind: "delete-entry", savedAt, id, at: savedAt }];
    this.#background.run(() => this.#commit.write(partition, mutations));
  }

  #partition({ taskList, id }: TaskKey): Partition {
    return { taskList, shard: shardOf(id, this.#shards) };
  }
}

function saveMutations({ id, type, encode }: SaveEntry, savedAt: Version): Mutation[] {
  const envelope = encode(savedAt);
  return [
    { kind: "put-task", id, savedAt, type, envelope },
    { kind: "put-entry", savedAt, id, size: envelope.length },
  ];
}

function completeMutations(id: string, savedAt: Version): Mutation[] {
  return [
    { kind: "delete-task", id, at: savedAt },
    { kind: "delete-entry", savedAt, id, at: savedAt },
  ];
}

function latest(versions: readonly Version[]): Version {
  return versions.reduce((last, version) => (version > last ? version : last), 0n);
}

function tooLate(): TaskError {
  const message = "Cassandra: its answers came too late to count: the process was stopped, or is far too busy";
  return new TaskError("TIMEOUT", message, { outcome: "unknown" });
}

/** The failed outcome. A save that may have been applied tells its version: the task has it from now on. */
function failure(
  error: unknown,
  { taskList, id }: TaskKey,
  attempted?: Version,
): { ok: false; error: TaskError; attempted?: Version } {
  const known = isTaskError(error)
    ? error
    : new TaskError("UNAVAILABLE", String(error), { outcome: "unknown", cause: error });
  const { code, message, field, outcome, cause } = known;
  const named = new TaskError(code, message, { taskList, id, field, outcome, cause });
  return attempted !== undefined && outcome === "unknown"
    ? { ok: false, error: named, attempted }
    : { ok: false, error: named };
}
