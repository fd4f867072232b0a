import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type Block, Draft, type Tables } from "../../src/adapters/lmdb/draft.js";
import { openRoot, openTable } from "../../src/adapters/lmdb/driver.js";
import { LatestSaves } from "../../src/adapters/lmdb/latest-saves.js";
import { taskKey } from "../../src/adapters/lmdb/layout.js";
import { leaveStore, useStore } from "../../src/adapters/lmdb/open-store.js";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { taskEntry } from "../../src/testing/entries.js";
import { processClock, type Version } from "../../src/version.js";
import { temporaryFolder } from "./folders.js";

const key = { taskList: "l", id: "a" };

/** Another process runs its commands, from its start to its end, while this one stands still. */
function meanwhile(path: string, ...commands: unknown[][]): void {
  const script = fileURLToPath(new URL("store-process.ts", import.meta.url));
  const input = commands.map((command) => `${JSON.stringify(command)}\n`).join("");
  const { status, stdout } = spawnSync(process.execPath, ["--import", "tsx", script, path, "0"], { input });
  expect({ status, errors: String(stdout).match(/error/) }).toEqual({ status: 0, errors: null });
}

it("saves after a complete in one transaction learn that another process saved and completed in between", async () => {
  const path = temporaryFolder();
  const adapter = new LmdbAdapter({ path });
  const [first] = await adapter.save([taskEntry(key.taskList, key.id)]);
  const store = await useStore(path);
  const task = taskKey(key);
  let completing: Block | undefined;
  let saving: Block[] = [];
  const failure = await store.environment.write((draft) => {
    completing = draft.beginBlock();
    completing.remove(completing.task(task));
    saving = [draft.beginBlock(), draft.beginBlock()];
    for (const block of saving) block.put(block.task(task), processClock.next(), new Uint8Array());
    const later = String(processClock.now() + 60_000_000n); // the other process may take a while to start
    meanwhile(
      path,
      ["complete", [{ ...key, savedAt: String(first?.ok && first.value) }]],
      ["save", key.taskList, [key.id]],
      ["complete", [{ ...key, savedAt: later }]],
    );
  });
  expect(failure).toBeUndefined();
  expect([completing, ...saving].map((block) => block?.result)).toEqual(["left out", "overtaken", "overtaken"]);
  await leaveStore(store);
  await adapter.close();
});

it("a save is left out if its task has gone and come back meanwhile, at the same version", async () => {
  const root = await openRoot(temporaryFolder());
  const [tasks, ledger, claims] = ["tasks", "ledger", "claims"].map((name) => openTable(root, name));
  const task = taskKey(key);
  const users = Array.from({ length: 3 }, () => new LatestSaves(root));
  const draftOf = (user: number, compose: (block: Block) => void): { readonly draft: Draft; readonly block: Block } => {
    root.resetReadTxn();
    const draft = new Draft({ root, tasks, ledger, claims, latestSaves: users[user] } as Tables);
    const block = draft.beginBlock();
    compose(block);
    return { draft, block };
  };
  const save = (version: Version) => (block: Block) => {
    block.put(block.task(task), version, new Uint8Array());
    block.draft.latest = version;
  };
  const commit = async ({ draft, block }: { readonly draft: Draft; readonly block: Block }) => {
    await draft.commit();
    root.resetReadTxn();
    draft.review();
    return block.result;
  };
  const late = draftOf(0, save(5n));
  expect(await commit(draftOf(1, save(5n)))).toBe("done");
  const later = draftOf(2, save(6n));
  expect(await commit(draftOf(1, (block) => block.remove(block.task(task))))).toBe("done");
  expect(await commit(draftOf(1, save(6n)))).toBe("done");
  expect(await commit(draftOf(1, (block) => block.remove(block.task(task))))).toBe("done");
  expect(await commit(late)).toBe("overtaken");
  expect(await commit(later)).toBe("left out");
  await root.close();
});
