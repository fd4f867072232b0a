import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { decodeEnvelope, readStamp } from "../../src/envelope.js";
import { newTaskList, taskEntry } from "../../src/testing/entries.js";
import { temporaryFolder } from "./folders.js";
import { type Said, StoreProcess } from "./process.js";
import { expectWhole } from "./whole.js";

/** When it is killed, in milliseconds after its first save. */
const moments = [0, 3, 10, 40, 120, 300];

describe("a process that is killed in the midst of its saves", { timeout: 120_000 }, () => {
  it("leaves each that it has acknowledged, none by half, and the store to others at once", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const adapter = new LmdbAdapter({ path });
    const said: Said[] = [];
    for (const moment of moments) {
      said.push(...(await flood(path, list, `killed-after-${moment}`, moment)));
      const [outcome] = await adapter.save([taskEntry(list, "by another")]);
      expect(outcome).toMatchObject({ ok: true });
    }
    await expectKept(adapter, list, said);
    await adapter.close();
    await expectWhole(path);
    const again = new LmdbAdapter({ path });
    await expectKept(again, list, said);
    await again.close();
  });

  it("leaves them to a process that opens the store later, if it was the only one", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const said: Said[] = [];
    for (const moment of moments) {
      said.push(...(await flood(path, list, `killed-after-${moment}`, moment)));
      await expectWhole(path);
    }
    const adapter = new LmdbAdapter({ path });
    await expectKept(adapter, list, said);
    await adapter.close();
  });
});

async function flood(path: string, list: string, prefix: string, moment: number): Promise<Said[]> {
  const killed = new StoreProcess(path);
  killed.tell("flood", list, prefix);
  const first = await killed.hear();
  await sleep(moment);
  return [first as Said, ...(await killed.kill())];
}

/** What was acknowledged is as it was left. A complete that has begun may have happened. */
async function expectKept(adapter: LmdbAdapter, list: string, said: readonly Said[]): Promise<void> {
  const saved = new Map(said.flatMap((each) => (each.saved ? [[each.saved.id, each.saved.savedAt]] : [])));
  const completing = new Set(said.map((each) => each.completing));
  const completed = said.flatMap((each) => (each.completed ? [each.completed] : []));
  expect(saved.size).toBeGreaterThan(moments.length);

  const open = new Map<string, string>();
  for await (const page of adapter.all(list, { pageSize: 100, maxPageBytes: 1024 * 1024 }))
    for (const bytes of page) {
      decodeEnvelope(bytes, Infinity);
      const { id, savedAt } = readStamp(bytes);
      open.set(id, String(savedAt));
    }
  for (const [id, savedAt] of saved) if (!completing.has(id)) expect([id, open.get(id)]).toEqual([id, savedAt]);
  for (const id of completed) expect([id, open.get(id)]).toEqual([id, undefined]);
}
