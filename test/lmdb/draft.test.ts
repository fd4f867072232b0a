import { afterEach, beforeEach, expect, it } from "vitest";
import { type Block, Draft, type Tables } from "../../src/adapters/lmdb/draft.js";
import { loadLmdb, openTable, type Root, type Table } from "../../src/adapters/lmdb/driver.js";
import { LatestSaves } from "../../src/adapters/lmdb/latest-saves.js";
import { taskKey } from "../../src/adapters/lmdb/layout.js";
import type { Version } from "../../src/version.js";
import { temporaryFolder } from "./folders.js";

const key = { taskList: "l", id: "a" };

/** A user of a store: what it drafts, and when it commits that. */
class User {
  readonly #tables: Tables;

  constructor(root: Root, openTable: (name: string) => Table) {
    const [tasks, ledger, claims] = ["tasks", "ledger", "claims"].map(openTable) as [Table, Table, Table];
    this.#tables = { root, tasks, ledger, claims, latestSaves: new LatestSaves(root) };
  }

  draft(...compose: ((block: Block) => void)[]): { readonly draft: Draft; readonly blocks: readonly Block[] } {
    this.#tables.root.resetReadTxn();
    const draft = new Draft(this.#tables);
    const blocks = compose.map((each) => {
      const block = draft.beginBlock();
      each(block);
      return block;
    });
    return { draft, blocks };
  }

  /** What has become of each block. */
  async commit({ draft, blocks }: ReturnType<User["draft"]>): Promise<string[]> {
    await draft.commit();
    this.#tables.root.resetReadTxn();
    draft.review();
    return blocks.map((block) => block.result);
  }
}

function save(version: Version): (block: Block) => void {
  return (block) => {
    block.put(block.task(taskKey(key)), version, new Uint8Array());
    block.draft.latest = version;
  };
}

function complete(block: Block): void {
  block.remove(block.task(taskKey(key)));
}

let root: Root;
let users: readonly User[];

beforeEach(async () => {
  root = (await loadLmdb()).openRoot(temporaryFolder());
  users = Array.from({ length: 3 }, () => new User(root, (name) => openTable(root, name)));
});

afterEach(() => root.close());

it("saves after a complete in one transaction learn that another saved and completed in between", async () => {
  const [one, other] = users as [User, User];
  await one.commit(one.draft(save(5n)));
  const drafted = one.draft(complete, save(6n), save(7n));
  for (const each of [complete, save(8n), complete]) expect(await other.commit(other.draft(each))).toEqual(["done"]);
  expect(await one.commit(drafted)).toEqual(["left out", "overtaken", "overtaken"]);
});

it("a save is left out if its task has gone and come back meanwhile, at the same version", async () => {
  const [late, other, third] = users as [User, User, User];
  const draftedLate = late.draft(save(5n));
  await other.commit(other.draft(save(5n)));
  const drafted = third.draft(save(6n));
  for (const each of [complete, save(6n), complete]) expect(await other.commit(other.draft(each))).toEqual(["done"]);
  expect(await late.commit(draftedLate)).toEqual(["overtaken"]);
  expect(await third.commit(drafted)).toEqual(["left out"]);
});
