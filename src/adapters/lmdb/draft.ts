import type { ClaimState } from "../../claim-store.js";
import { latestOf, type Version } from "../../version.js";
import { type ClaimRow, decodeClaimRow, encodeClaimRow } from "./claim-row.js";
import type { Root, Table } from "./driver.js";
import type { LatestSaves } from "./latest-saves.js";
import { ledgerKey, newStamp, readVersion, rowStamp, taskRow } from "./layout.js";
import type { Changes, RowSize } from "./room.js";

const NOTHING = Buffer.alloc(0);

/** What a draft reads, and writes to. */
export interface Tables {
  readonly root: Root;
  readonly tasks: Table;
  readonly ledger: Table;
  readonly claims: Table;
  readonly latestSaves: LatestSaves;
}

/** A task as it will be after what has been drafted so far. */
export interface DraftedTask {
  readonly key: Buffer;
  version: Version | undefined;
  /** Of its row; null where it has none. */
  stamp: number | null;
  /** Whether it is gone, at any time of the draft: then nothing that is stored tells which versions it has had. */
  wasAbsent: boolean;
  /** Once it has been looked at. */
  claim: DraftedClaim | undefined;
}

/** What is remembered of the claims to a task, as it will be after what has been drafted so far. */
export interface DraftedClaim {
  readonly key: Buffer;
  row: ClaimRow | undefined;
}

/** That the row with this key has this stamp, or, for null, that there is none. */
interface Condition {
  readonly table: Table;
  readonly key: Buffer;
  readonly stamp: number | null;
}

/**
 * A transaction in the making. It is drafted here on what is committed now, and written by lmdb-js in another thread:
 * that waits for other processes, and neither it nor they for anything that this one does. Where a task is not as it was
 * any more, the block that rests on it is left out.
 */
export class Draft {
  readonly tables: Tables;
  /** No save may fall behind this version. */
  latest: Version;
  readonly changes = { puts: [] as RowSize[], others: 0 } satisfies Changes;
  readonly #latestBefore: Version;
  readonly #othersBefore: Version;
  readonly #tasks = new Map<string, DraftedTask>();
  readonly #blocks: Block[] = [];

  constructor(tables: Tables) {
    const { latestSaves } = tables;
    this.tables = tables;
    this.#othersBefore = latestSaves.ofOthers();
    this.#latestBefore = latestOf([this.#othersBefore, latestSaves.ofThis()]);
    this.latest = this.#latestBefore;
  }

  /** What is drafted in a block happens whole or not at all. */
  beginBlock(): Block {
    const block = new Block(this);
    this.#blocks.push(block);
    return block;
  }

  /** For {@link Block.task}. */
  task(key: Buffer): DraftedTask {
    const name = key.toString("latin1");
    let task = this.#tasks.get(name);
    if (task === undefined) {
      const row = this.tables.tasks.getBinaryFast(key);
      task = row
        ? { key, version: readVersion(row), stamp: rowStamp(row), wasAbsent: false, claim: undefined }
        : { key, version: undefined, stamp: null, wasAbsent: true, claim: undefined };
      this.#tasks.set(name, task);
    }
    return task;
  }

  /** For {@link Block.claim}. */
  claim(task: DraftedTask): DraftedClaim {
    const { key } = task;
    task.claim ??= { key, row: decodeClaimRow(this.tables.claims.getBinaryFast(key)) };
    return task.claim;
  }

  /** Resolves when it is on the disk; {@link Block.result} then tells of each block. */
  async commit(): Promise<void> {
    const { root, latestSaves } = this.tables;
    const written: Promise<void>[] = [];
    const committed = root.batch(() => {
      for (const block of this.#blocks) written.push(block.write());
      if (this.latest > this.#latestBefore) latestSaves.write(this.latest);
    });
    await Promise.all([committed, ...written]);
  }

  /**
   * Looks, when it has been committed, whether others have saved in the time since it was drafted: a task that was not
   * there may have come and gone in between, as a later version than it has now.
   */
  review(): void {
    const others = this.tables.latestSaves.ofOthers();
    if (others > this.#othersBefore) for (const block of this.#blocks) block.review(others);
  }
}

/** What has become of a block. */
export type BlockResult =
  | "done"
  /** It is as if it had not been there. */
  | "left out"
  /** It was written, but a version in it may be earlier than one that its task had before. */
  | "overtaken";

export class Block {
  readonly draft: Draft;
  /** What it rests on. */
  readonly #conditions = new Map<DraftedTask | DraftedClaim, Condition>();
  readonly #writes: (() => void)[] = [];
  /** The first version that it gives to a task that was absent. */
  #firstNew: Version | undefined;
  #result: BlockResult = "left out";

  constructor(draft: Draft) {
    this.draft = draft;
  }

  get result(): BlockResult {
    return this.#result;
  }

  /** The task with this key. The block is left out if it has been written since, when the block is. */
  task(key: Buffer): DraftedTask {
    const task = this.draft.task(key);
    this.#restOn(task, this.draft.tables.tasks, task.stamp);
    return task;
  }

  /** The claims to a task, which may be in the draft only. The block is left out if they have changed when it is written. */
  claim(key: Buffer): DraftedClaim {
    const claim = this.draft.claim(this.draft.task(key));
    this.#restOn(claim, this.draft.tables.claims, claim.row?.stamp ?? null);
    return claim;
  }

  putClaim(claim: DraftedClaim, state: ClaimState): void {
    const { claims } = this.draft.tables;
    const row = { stamp: newStamp(), state };
    const bytes = encodeClaimRow(row);
    this.#writes.push(() => claims.put(claim.key, bytes));
    this.draft.changes.others++;
    claim.row = row;
  }

  #restOn(row: DraftedTask | DraftedClaim, table: Table, stamp: number | null): void {
    if (!this.#conditions.has(row)) this.#conditions.set(row, { table, key: row.key, stamp });
  }

  /** Writes a version of a task, in the place of the one that it has. */
  put(task: DraftedTask, savedAt: Version, envelope: Uint8Array): void {
    const { tasks, ledger } = this.draft.tables;
    const { key, version } = task;
    const stamp = newStamp();
    const row = taskRow(stamp, savedAt, envelope);
    this.#writes.push(() => {
      if (version !== undefined) ledger.remove(ledgerKey(key, version));
      ledger.put(ledgerKey(key, savedAt), NOTHING);
      tasks.put(key, row);
    });
    this.draft.changes.puts.push({ key: key.length, value: row.length });
    task.version = savedAt;
    task.stamp = stamp;
    if (task.wasAbsent) this.#firstNew ??= savedAt;
  }

  /** Removes the version that a task has, and what is remembered of its claims. */
  remove(task: DraftedTask): void {
    const { tasks, ledger, claims } = this.draft.tables;
    const { key, version } = task;
    if (version === undefined) return;
    this.#writes.push(() => {
      ledger.remove(ledgerKey(key, version));
      tasks.remove(key);
      claims.remove(key);
    });
    this.draft.changes.others++;
    task.version = undefined;
    task.stamp = null;
    task.wasAbsent = true;
    task.claim = { key, row: undefined };
  }

  /** Within the draft's batch. */
  async write(): Promise<void> {
    const held: Promise<boolean>[] = [];
    this.#writeUnder([...this.#conditions.values()], 0, held);
    if ((await Promise.all(held)).every(Boolean)) this.#result = "done";
  }

  review(others: Version): void {
    if (this.#result === "done" && this.#firstNew !== undefined && this.#firstNew <= others) this.#result = "overtaken";
  }

  /** Each condition within the one before. */
  #writeUnder(conditions: readonly Condition[], index: number, held: Promise<boolean>[]): void {
    const condition = conditions[index];
    if (condition === undefined) for (const write of this.#writes) write();
    else {
      const { table, key, stamp } = condition;
      held.push(table.ifVersion(key, stamp, () => this.#writeUnder(conditions, index + 1, held)));
    }
  }
}
