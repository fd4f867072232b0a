import type { Version } from "../../version.js";
import type { Root, Table } from "./driver.js";
import type { LatestSaves } from "./latest-saves.js";
import { ledgerKey, readVersion, rowOf, stampOf } from "./layout.js";

const NOTHING = Buffer.alloc(0);

/** What a draft reads, and writes to. */
export interface Tables {
  readonly root: Root;
  readonly tasks: Table;
  readonly ledger: Table;
  readonly latestSaves: LatestSaves;
}

/**
 * A transaction in the making. It is drafted here on what is committed now, and written by lmdb-js in another thread:
 * that waits for other processes, and neither it nor they for anything that this one does. Where a task is not as it was
 * any more, the block that rests on it is left out.
 */
export class Draft {
  readonly tables: Tables;
  /** The tasks that it is about, as they will be after the blocks so far. */
  readonly tasks: Map<string, DraftedTask> = new Map();
  /** No save may fall behind this version. */
  latest: Version;
  readonly #others: Version;
  readonly #own: Version;
  readonly #blocks: Block[] = [];

  constructor(tables: Tables) {
    this.tables = tables;
    this.#others = tables.latestSaves.ofOthers();
    this.#own = tables.latestSaves.ofThis();
    this.latest = this.#others > this.#own ? this.#others : this.#own;
  }

  /** What is drafted in a block happens whole or not at all. */
  beginBlock(): Block {
    const block = new Block(this);
    this.#blocks.push(block);
    return block;
  }

  /** Resolves when it is on the disk; {@link Block.result} then tells of each block. */
  async commit(): Promise<void> {
    const { root, latestSaves } = this.tables;
    const written: Promise<void>[] = [];
    const committed = root.batch(() => {
      for (const block of this.#blocks) written.push(block.write());
      if (this.latest > this.#own) latestSaves.write(this.latest);
    });
    await Promise.all([committed, ...written]);
  }

  /**
   * Looks, when it has been committed, whether others have saved in the time since it was drafted: a task that was not
   * there may have come and gone in between, as a later version than it has now.
   */
  review(): void {
    const others = this.tables.latestSaves.ofOthers();
    if (others > this.#others) for (const block of this.#blocks) block.review(others);
  }
}

interface DraftedTask {
  version: Version | undefined;
  /** Whether it was not there before: then nothing that is stored tells which versions it has had. */
  readonly isNew: boolean;
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
  /** The tasks that it rests on, with the stamps that they must have. */
  readonly #conditions = new Map<string, { readonly task: Buffer; readonly stamp: number | null }>();
  readonly #writes: (() => void)[] = [];
  /** The first version that it gives to a new task. */
  #firstNew: Version | undefined;
  #result: BlockResult = "left out";

  constructor(draft: Draft) {
    this.draft = draft;
  }

  get result(): BlockResult {
    return this.#result;
  }

  /** The version of a task that will be there. The block is left out if it is another one when it is written. */
  versionOf(task: Buffer): Version | undefined {
    const { version } = this.#taskOf(task);
    const name = nameOf(task);
    if (!this.#conditions.has(name))
      this.#conditions.set(name, { task, stamp: version === undefined ? null : stampOf(version) });
    return version;
  }

  /** Writes a version of a task, in the place of what {@link versionOf} gave. */
  put(task: Buffer, replaced: Version | undefined, savedAt: Version, envelope: Uint8Array): void {
    const { tasks, ledger } = this.draft.tables;
    const row = rowOf(savedAt, envelope);
    const drafted = this.#taskOf(task);
    drafted.version = savedAt;
    if (drafted.isNew) this.#firstNew ??= savedAt;
    this.#writes.push(() => {
      if (replaced !== undefined) ledger.remove(ledgerKey(task, replaced));
      ledger.put(ledgerKey(task, savedAt), NOTHING);
      tasks.put(task, row);
    });
  }

  /** Removes the version of a task that {@link versionOf} gave. */
  remove(task: Buffer, savedAt: Version): void {
    const { tasks, ledger } = this.draft.tables;
    this.#taskOf(task).version = undefined;
    this.#writes.push(() => {
      ledger.remove(ledgerKey(task, savedAt));
      tasks.remove(task);
    });
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

  #taskOf(task: Buffer): DraftedTask {
    const { tasks, tables } = this.draft;
    const name = nameOf(task);
    const drafted = tasks.get(name);
    if (drafted) return drafted;
    const row = tables.tasks.getBinaryFast(task);
    const read: DraftedTask = { version: row && readVersion(row), isNew: row === undefined };
    tasks.set(name, read);
    return read;
  }
}

function nameOf(task: Buffer): string {
  return task.toString("latin1");
}
