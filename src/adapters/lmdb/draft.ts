import type { Version } from "../../version.js";
import type { Root, Table } from "./driver.js";
import { ledgerKey, readVersion, rowOf, stampOf } from "./layout.js";

const LATEST_KEY = Buffer.from("latest");
const NOTHING = Buffer.alloc(0);

/** What a draft reads, and writes to. */
export interface Tables {
  readonly root: Root;
  readonly tasks: Table;
  readonly ledger: Table;
}

/**
 * A transaction in the making. It is drafted here on what is committed now, and written by lmdb-js in another thread:
 * that waits for other processes, and neither it nor they for anything that this one does. Where a task is not as it was
 * any more, the block that rests on it is left out.
 */
export class Draft {
  readonly tables: Tables;
  /** The versions that tasks will have, after the blocks so far. */
  readonly planned: Map<string, Version | undefined> = new Map();
  /**
   * A version that no save in this store may fall behind, whatever its process's clock says. It keeps a late complete of
   * a task that is gone from removing one that was saved anew.
   */
  latest: Version;
  readonly #storedLatest: Version | undefined;
  readonly #blocks: Block[] = [];

  constructor(tables: Tables) {
    this.tables = tables;
    const row = tables.root.getBinaryFast(LATEST_KEY);
    this.#storedLatest = row && readVersion(row);
    this.latest = this.#storedLatest ?? 0n;
  }

  /** What is drafted in a block happens whole or not at all. */
  beginBlock(): Block {
    const block = new Block(this);
    this.#blocks.push(block);
    return block;
  }

  /** Resolves when it is on the disk; {@link Block.isDone} then tells of each block. */
  async commit(): Promise<void> {
    const written: Promise<unknown>[] = [];
    const committed = this.tables.root.batch(() => {
      for (const block of this.#blocks) written.push(block.write());
      if (this.latest > (this.#storedLatest ?? 0n)) written.push(this.#writeLatest());
    });
    await Promise.all([committed, ...written]);
  }

  /** Left out where another process wrote it meanwhile; the next draft begins with that. */
  #writeLatest(): Promise<unknown> {
    const { root } = this.tables;
    const stored = this.#storedLatest;
    const stamp = stored === undefined ? null : stampOf(stored);
    return root.ifVersion(LATEST_KEY, stamp, () => root.put(LATEST_KEY, rowOf(this.latest)));
  }
}

export class Block {
  readonly draft: Draft;
  /** The tasks that it rests on, with the stamps that they must have. */
  readonly #conditions = new Map<string, { readonly task: Buffer; readonly stamp: number | null }>();
  readonly #writes: (() => void)[] = [];
  #isDone = false;

  constructor(draft: Draft) {
    this.draft = draft;
  }

  /** Whether it was committed, rather than left out. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The version of a task that will be there. The block is left out if it is another one when it is written. */
  versionOf(task: Buffer): Version | undefined {
    const { planned } = this.draft;
    const name = nameOf(task);
    const version = planned.has(name) ? planned.get(name) : this.#read(task);
    if (!this.#conditions.has(name))
      this.#conditions.set(name, { task, stamp: version === undefined ? null : stampOf(version) });
    return version;
  }

  /** Writes a version of a task, in the place of what {@link versionOf} gave. */
  put(task: Buffer, replaced: Version | undefined, savedAt: Version, envelope: Uint8Array): void {
    const { tasks, ledger } = this.draft.tables;
    const row = rowOf(savedAt, envelope);
    this.draft.planned.set(nameOf(task), savedAt);
    this.#writes.push(() => {
      if (replaced !== undefined) ledger.remove(ledgerKey(task, replaced));
      ledger.put(ledgerKey(task, savedAt), NOTHING);
      tasks.put(task, row);
    });
  }

  /** Removes the version of a task that {@link versionOf} gave. */
  remove(task: Buffer, savedAt: Version): void {
    const { tasks, ledger } = this.draft.tables;
    this.draft.planned.set(nameOf(task), undefined);
    this.#writes.push(() => {
      ledger.remove(ledgerKey(task, savedAt));
      tasks.remove(task);
    });
  }

  /** Within the draft's batch. */
  async write(): Promise<void> {
    const held: Promise<boolean>[] = [];
    this.#writeUnder([...this.#conditions.values()], 0, held);
    this.#isDone = (await Promise.all(held)).every(Boolean);
  }

  /** Each condition within the one before. */
  #writeUnder(
    conditions: readonly { readonly task: Buffer; readonly stamp: number | null }[],
    index: number,
    held: Promise<boolean>[],
  ): void {
    const condition = conditions[index];
    if (condition === undefined) for (const write of this.#writes) write();
    else {
      const { task, stamp } = condition;
      const next = () => this.#writeUnder(conditions, index + 1, held);
      held.push(this.draft.tables.tasks.ifVersion(task, stamp, next));
    }
  }

  #read(task: Buffer): Version | undefined {
    const row = this.draft.tables.tasks.getBinaryFast(task);
    return row && readVersion(row);
  }
}

function nameOf(task: Buffer): string {
  return task.toString("latin1");
}
