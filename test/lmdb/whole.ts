import { expect } from "vitest";
import { readLedgerKey } from "../../src/adapters/lmdb/layout.js";
import { leaveStore, useStore } from "../../src/adapters/lmdb/open-store.js";

/** Every task has its place in the ledger, and every place its task. */
export async function expectWhole(path: string): Promise<void> {
  const store = await useStore(path);
  const { environment } = store;
  const [tasks, places] = await environment.read(() => [
    [...environment.tasks.getKeys({})].map((key) => key.toString("hex")),
    [...environment.ledger.getKeys({})].map((key) => readLedgerKey(key).task.toString("hex")),
  ]);
  expect(places?.toSorted()).toEqual(tasks);
  await leaveStore(store);
}
