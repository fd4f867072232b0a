import type { Outcome, SaveEntry, Version } from "../../src/adapter/adapter.js";
import type { LedgerPlace, Mutation } from "../../src/adapters/cassandra/model/session.js";
import type { Cells } from "./cells.js";
import { coveredAt, isTaskLive, NEVER } from "./cells.js";
import { type Cluster, EPOCH } from "./cluster.js";
import { describeVersion as at } from "./describe.js";
import type { World } from "./world.js";

/** A process: one run of a client. */
export interface Life {
  readonly name: string;
  /** The latest version that it has made or seen, except those far ahead of its clock. */
  met: Version;
  /** The clock that its versions are made by, and how far a version may be ahead of it to count. */
  readonly horizon: () => Version;
}

/** The result of an operation for its caller; a process that died got none. */
export type End = "acknowledged" | "unknown" | "not-applied" | "died";

interface Operation {
  readonly life: Life;
  readonly id: string;
  readonly start: number;
  end: number;
  outcome: End | undefined;
}

export interface SaveRecord extends Operation {
  /** The versions that it was tried at, in order. */
  readonly versions: Version[];
  readonly replaces: readonly Version[];
  /** The latest version that the process had made or seen before the call. */
  readonly met: Version;
}

export interface CompleteRecord extends Operation {
  readonly version: Version;
  /** The versions that the caller itself saved before: a complete includes them. */
  readonly covers: ReadonlySet<Version>;
}

/** Farther ahead than any clock that is not wrong, in microseconds. */
const FAR_AHEAD: Version = 60_000_000n;

export interface Listing {
  readonly life: Life;
  readonly started: number;
  /** For the reader, versions after this one at the end were those of a wrong clock. */
  readonly horizon: Version;
  readonly savedBefore: Version | undefined;
  readonly yielded: readonly { readonly id: string; readonly version: Version }[];
  /** Whether the consumer read to the end. */
  readonly isWhole: boolean;
}

/** A broken promise. */
export type Breach =
  | "find misses an open task"
  | "all misses an open task"
  | "find gives a completed task"
  | "all gives a completed task"
  | "all gives a version twice"
  | "all goes past its cutoff"
  | "all is out of order"
  | "all does not end"
  | "in the end all misses a task"
  | "in the end an entry leads nowhere"
  | "in the end no entry leads to a task"
  | "in the end a task is lost"
  | "a call does not end"
  | "a version is not later"
  | "an outcome is not true"
  | "a quorum does not know"
  | "a call throws";

export interface Violation {
  readonly breach: Breach;
  readonly text: string;
}

/** Counts of what is not a violation: leftovers that the design allows, and the cost of wrong clocks. */
export interface Remains {
  open: number;
  /** Task rows without an entry, of saves that were never acknowledged. */
  orphanTasks: number;
  /** Entries of replaced versions of a task that is open. */
  replacedEntries: number;
  /** Entries without a task in a range that readers pass over. */
  hiddenEntries: number;
  /** Acknowledged saves that began after a complete of a version later than their own. */
  skewLost: number;
}

/** Records all calls and acknowledgements, and judges every answer. */
export class Oracle {
  readonly violations: Violation[] = [];
  readonly counts = { saves: 0, acknowledged: 0, completed: 0, finds: 0, passes: 0, yields: 0, sweeps: 0, refused: 0 };
  readonly saves: SaveRecord[] = [];
  readonly #records = new WeakMap<SaveEntry, SaveRecord>();
  readonly completes: CompleteRecord[] = [];
  readonly #world: World;
  readonly #cluster: Cluster;
  /** Versions that readers removed, by process, id and version. */
  readonly #removed = new Set<string>();
  readonly #applied = new Set<string>();
  /** The calls in flight, by process. */
  readonly #underWay = new Map<string, Life>();

  constructor(world: World, cluster: Cluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  violate(breach: Breach, text: string): void {
    this.violations.push({ breach, text });
    this.#world.log?.(`*** ${breach}: ${text}`);
  }

  /** Begins something that has to end; returns the function that ends it. */
  begins(life: Life, what: string): () => void {
    this.#underWay.set(what, life);
    return () => this.#underWay.delete(what);
  }

  /** By now all calls must have ended. */
  checkEnds(): void {
    for (const [what, { name }] of this.#underWay)
      this.violate("a call does not end", `${what} of ${name} does not end`);
  }

  save(life: Life, id: string, replaces: readonly Version[]): SaveRecord {
    this.counts.saves++;
    const operation = { life, id, start: this.#world.now, end: Infinity, outcome: undefined };
    const record = { ...operation, versions: [], replaces, met: life.met };
    this.saves.push(record);
    return record;
  }

  /** An entry is passed to the ledger. */
  hands(record: SaveRecord, entry: SaveEntry): void {
    this.#records.set(entry, record);
  }

  /** A version is tried. It must be later than all that the process has made or seen, and than those that it replaces. */
  tries(entry: SaveEntry, version: Version): void {
    const record = this.#records.get(entry) as SaveRecord;
    const { life, id, versions, replaces } = record;
    const least = [record.met, ...replaces, ...versions].reduce((a, b) => (a > b ? a : b));
    if (version <= least)
      this.violate("a version is not later", `${life.name} saves ${id} at ${at(version)}, having met ${at(least)}`);
    versions.push(version);
    this.meet(life, version);
  }

  saved(record: SaveRecord, outcome: Outcome<Version>): void {
    this.#end(record, outcome);
    const { id, versions } = record;
    if (!outcome.ok) {
      const { attempted } = outcome;
      const isTold = attempted === undefined || versions.at(-1) === attempted || versions.includes(attempted);
      if (!isTold)
        this.violate("an outcome is not true", `${id}: a version that was not tried is told: ${at(attempted)}`);
      return;
    }
    this.counts.acknowledged++;
    if (outcome.value !== versions.at(-1))
      this.violate("an outcome is not true", `${id}: ${at(outcome.value)} is told, ${at(versions.at(-1))} was tried`);
    this.#checkQuorum(record, outcome.value);
  }

  complete(life: Life, id: string, version: Version, covers: ReadonlySet<Version>): CompleteRecord {
    const operation = { life, id, start: this.#world.now, end: Infinity, outcome: undefined };
    const record = { ...operation, version, covers: new Set(covers) };
    this.completes.push(record);
    this.meet(life, version);
    return record;
  }

  completed(record: CompleteRecord, outcome: Outcome<void>): void {
    this.#end(record, outcome);
    if (!outcome.ok) return;
    this.counts.completed++;
    this.#checkQuorum(record, record.version);
  }

  #end(record: SaveRecord | CompleteRecord, outcome: Outcome<unknown>): void {
    record.end = this.#world.now;
    record.outcome = outcome.ok ? "acknowledged" : outcome.error.outcome;
    if (!outcome.ok && outcome.error.outcome === "not-applied") this.counts.refused++;
  }

  /** An acknowledged write must be on a quorum: written, or deleted later. */
  #checkQuorum({ id, life }: Operation, version: Version): void {
    let have = 0;
    const { replicas, options } = this.#cluster;
    for (const replica of replicas) {
      const rows = replica.shards.map((shard) => replica.cellsOf(shard).tasks.get(id));
      if (rows.some((row) => row && (row.writtenAt >= version || row.deletedAt >= version))) have++;
    }
    if (have < this.#cluster.quorumOf(options.reads))
      this.violate(
        "a quorum does not know",
        `${life.name} has ${id} at ${at(version)} acknowledged, ${have} replicas know of it`,
      );
  }

  /** A process has died: its callers get no more answers. */
  died(life: Life): void {
    for (const record of [...this.saves, ...this.completes]) {
      if (record.life !== life || record.outcome !== undefined) continue;
      record.outcome = "died";
      record.end = this.#world.now;
    }
    for (const [what, other] of this.#underWay) if (other === life) this.#underWay.delete(what);
  }

  /** A process has seen a version; one far ahead of its clock has no effect. */
  meet(life: Life, version: Version): void {
    if (version > life.met && version <= life.horizon()) life.met = version;
  }

  /** A reader removes an entry without a task, like a complete of its version. */
  removes(life: Life, { id, savedAt }: LedgerPlace): void {
    this.#removed.add(`${life.name} ${id} ${savedAt}`);
  }

  applied(life: Life, mutation: Mutation): void {
    if (mutation.kind === "put-task") this.#applied.add(`${life.name} saves ${mutation.id} ${mutation.savedAt}`);
    else if (mutation.kind === "delete-task") this.#applied.add(`${life.name} deletes ${mutation.id} ${mutation.at}`);
  }

  /** The minimum version of an id that must be open for a read that began at `started`; undefined if none must be. */
  owed(id: string, started: number): Version | undefined {
    let least = NEVER;
    for (const save of this.saves) {
      const version = save.versions.at(-1);
      if (save.id !== id || save.outcome !== "acknowledged" || save.end > started || version === undefined) continue;
      if (version > least) least = version;
    }
    if (least === NEVER) return undefined;
    const isUndone = this.completes.some((c) => c.id === id && c.version >= least && c.outcome !== "not-applied");
    return isUndone ? undefined : least;
  }

  /** A complete that was acknowledged before `started`, so that a version must not be seen any more. */
  #undoing(id: string, version: Version, started: number): CompleteRecord | undefined {
    return this.completes.find(
      (c) =>
        c.id === id &&
        c.outcome === "acknowledged" &&
        c.end <= started &&
        (version <= c.version || c.covers.has(version)),
    );
  }

  found(life: Life, started: number, id: string, version: Version | undefined): void {
    this.counts.finds++;
    if (version !== undefined) this.meet(life, version);
    const owed = this.owed(id, started);
    if (owed !== undefined && !(version !== undefined && version >= owed))
      this.violate("find misses an open task", `${id}: version ${at(owed)} is owed, found ${at(version)}`);
    const undoing = version !== undefined && this.#undoing(id, version, started);
    if (undoing)
      this.violate(
        "find gives a completed task",
        `${id}: version ${at(version)} is found, and ${at(undoing.version)} was completed`,
      );
  }

  listed({ started, horizon, savedBefore, yielded, isWhole }: Listing): void {
    if (isWhole) this.counts.passes++;
    this.counts.yields += yielded.length;
    const seen = new Set<string>();
    for (const { id, version } of yielded) {
      if (seen.has(`${id} ${version}`))
        this.violate("all gives a version twice", `${id}: version ${at(version)} is yielded twice`);
      seen.add(`${id} ${version}`);
      const undoing = this.#undoing(id, version, started);
      if (undoing)
        this.violate(
          "all gives a completed task",
          `${id}: version ${at(version)} is yielded, and ${at(undoing.version)} was completed`,
        );
      if (savedBefore !== undefined && version >= savedBefore && !this.#isWild(id, version))
        this.violate("all goes past its cutoff", `${id}: version ${at(version)} is not before ${at(savedBefore)}`);
    }
    this.#checkOrder(yielded);
    if (!isWhole) return;
    for (const id of new Set(this.saves.map((save) => save.id))) {
      const owed = this.owed(id, started);
      if (owed === undefined || yielded.some((one) => one.id === id && one.version >= owed)) continue;
      if (this.#isTouched(id, started) || this.#isPastCutoff(id, savedBefore, horizon)) continue;
      const versions = yielded.filter((one) => one.id === id).map(({ version }) => at(version));
      this.violate("all misses an open task", `${id}: version ${at(owed)} is owed, yielded [${versions}]`);
    }
  }

  /** Whether a version lay far ahead of the time of its save: such a task may be of any age. */
  #isWild(id: string, version: Version): boolean {
    const isAhead = ({ start }: SaveRecord) => version > EPOCH + BigInt(Math.floor(start)) + FAR_AHEAD;
    return this.saves.some((save) => save.id === id && save.versions.includes(version) && isAhead(save));
  }

  /** Oldest first, among those that never had more than one version. */
  #checkOrder(yielded: Listing["yielded"]): void {
    const single = yielded.filter(
      ({ id }) => this.saves.flatMap((save) => (save.id === id ? save.versions : [])).length === 1,
    );
    for (const [i, { id, version }] of single.entries()) {
      const before = single[i - 1];
      if (before && before.version > version)
        this.violate("all is out of order", `${id}: version ${at(version)} is yielded after ${at(before.version)}`);
    }
  }

  /** Whether somebody saved or completed an id while it was looked for. */
  #isTouched(id: string, started: number): boolean {
    const { now } = this.#world;
    return [...this.saves, ...this.completes].some((op) => op.id === id && op.start < now && op.end > started);
  }

  /** Whether there may be a version that the listing must leave out. */
  #isPastCutoff(id: string, savedBefore: Version | undefined, horizon: Version): boolean {
    if (savedBefore === undefined) return false;
    const isLeftOut = (version: Version) => version >= savedBefore && version <= horizon;
    return this.saves.some((save) => save.id === id && save.versions.some(isLeftOut));
  }

  /** When all messages have arrived or are lost: no write that was reported as not applied was, and every call has ended. */
  checkOutcomes(): void {
    for (const save of this.saves) {
      if (save.outcome !== "not-applied") continue;
      for (const version of save.versions) {
        const isShared = this.saves.some(
          (other) => other !== save && other.id === save.id && other.versions.includes(version),
        );
        if (!isShared && this.#applied.has(`${save.life.name} saves ${save.id} ${version}`))
          this.violate(
            "an outcome is not true",
            `${save.id}: the save at ${at(version)} is told as not applied, and was`,
          );
      }
    }
    for (const complete of this.completes) {
      const { life, id, version, outcome } = complete;
      const isSame = (other: CompleteRecord) => other.life === life && other.id === id && other.version === version;
      const isOnly = this.completes.filter(isSame).length === 1 && !this.#removed.has(`${life.name} ${id} ${version}`);
      if (outcome === "not-applied" && isOnly && this.#applied.has(`${life.name} deletes ${id} ${version}`))
        this.violate("an outcome is not true", `${id}: the complete of ${at(version)} is told as not applied, and was`);
    }
  }

  /** Judges what is left after everything was delivered and repaired, and the ledger cleaned and swept. */
  settled(
    partitions: readonly Cells[],
    yielded: Listing["yielded"],
    isHidden: (version: Version, id: string) => boolean,
  ): Remains {
    const remains = { open: 0, orphanTasks: 0, replacedEntries: 0, hiddenEntries: 0, skewLost: 0 };
    const tasks = partitions.flatMap((cells) => [...cells.tasks.values()].filter(isTaskLive));
    const entries = partitions.flatMap((cells) =>
      [...cells.entries.values()].filter(
        ({ writtenAt, deletedAt, savedAt }) =>
          writtenAt > deletedAt && writtenAt > coveredAt(cells.ranges.values(), savedAt),
      ),
    );
    remains.open = tasks.length;
    for (const { id, writtenAt: version } of tasks) {
      const own = entries.filter((entry) => entry.id === id && !isHidden(entry.savedAt, id));
      const times = yielded.filter((one) => one.id === id && one.version === version).length;
      if (own.length === 0) remains.orphanTasks++;
      else if (times !== 1)
        this.violate(
          "in the end all misses a task",
          `${id}: version ${at(version)} has an entry and is yielded ${times} times`,
        );
      remains.replacedEntries += own.filter(({ savedAt }) => savedAt < version).length;
    }
    for (const { id, savedAt } of entries) {
      if (tasks.some((task) => task.id === id)) continue;
      if (isHidden(savedAt, id)) remains.hiddenEntries++;
      else this.violate("in the end an entry leads nowhere", `${id}: entry ${at(savedAt)} is left without a task`);
    }
    for (const id of new Set(this.saves.map((save) => save.id))) {
      const owed = this.owed(id, Infinity);
      if (owed === undefined) continue;
      const task = tasks.find((row) => row.id === id);
      if (!(task && task.writtenAt >= owed))
        this.violate(
          "in the end a task is lost",
          `${id}: version ${at(owed)} is owed, the row has ${at(task?.writtenAt)}`,
        );
      else if (!entries.some((entry) => entry.id === id && !isHidden(entry.savedAt, id)))
        this.violate("in the end no entry leads to a task", `${id}: version ${at(owed)} is owed, no entry leads to it`);
    }
    remains.skewLost = this.saves.filter((save) => this.#isLostToSkew(save)).length;
    return remains;
  }

  #isLostToSkew(save: SaveRecord): boolean {
    const version = save.versions.at(-1);
    return (
      save.outcome === "acknowledged" &&
      version !== undefined &&
      this.completes.some((c) => c.id === save.id && c.end < save.start && c.version > version)
    );
  }
}
