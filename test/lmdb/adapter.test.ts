import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { open } from "lmdb";
import { describe, expect, it, vi } from "vitest";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { readStamp } from "../../src/envelope.js";
import { failingEntry, longestKeys, newTaskList, sampleBytes, taskEntry } from "../../src/testing/entries.js";
import { VersionClock } from "../../src/version.js";
import { temporaryFolder } from "./folders.js";
import { expectWhole } from "./whole.js";

describe("LmdbAdapter", { timeout: 60_000 }, () => {
  it.each([[""], [undefined], [7]])("takes no %j for a path", (path) => {
    expect(() => new LmdbAdapter({ path: path as string })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", field: "path" }),
    );
  });

  it("opens once the reason is gone for which it could not", async () => {
    const path = temporaryFolder();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "in the way");
    const adapter = new LmdbAdapter({ path });
    const entry = taskEntry(newTaskList(), "a");
    await expect(adapter.save([entry])).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    rmSync(path);
    expect((await adapter.save([entry]))[0]).toMatchObject({ ok: true });
    await adapter.close();
  });

  it("lets go of a caller who aborts while it opens, and opens all the same", async () => {
    const adapter = new LmdbAdapter({ path: temporaryFolder() });
    const controller = new AbortController();
    const opening = adapter.open({ signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: "ABORTED", outcome: "not-applied" });
    await adapter.open();
    await adapter.close();
  });

  it("can be opened on a folder that another closes at this moment", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    for (let i = 0; i < 20; i++) {
      const [one, other] = [new LmdbAdapter({ path }), new LmdbAdapter({ path })];
      await one.save([taskEntry(list, `${i}`)]);
      const [, outcomes] = await Promise.all([one.close(), other.save([taskEntry(list, `${i}`)])]);
      expect(outcomes[0]).toMatchObject({ ok: true });
      await other.close();
    }
    await expectWhole(path);
  });

  it("shares a folder with another installed copy of the package in the same process", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const adapter = new LmdbAdapter({ path });
    vi.resetModules();
    const copy = await import("../../src/adapters/lmdb.js");
    expect(copy.LmdbAdapter).not.toBe(LmdbAdapter);
    const other = new copy.LmdbAdapter({ path });
    const ids = Array.from({ length: 50 }, (_, i) => `${i}`);
    const calls = ids.map((id, i) => (i % 2 ? adapter : other).save([taskEntry(list, id)]));
    for (const [outcome] of await Promise.all(calls)) expect(outcome).toMatchObject({ ok: true });
    await adapter.close();
    const found = await other.find(ids.map((id) => ({ taskList: list, id })));
    expect(found.every((bytes) => bytes)).toBe(true);
    await other.close();
    await expectWhole(path);
  });

  it("gives keys of 512 bytes back whole, of whatever characters, and lists each in its own list", async () => {
    const path = temporaryFolder();
    const adapter = new LmdbAdapter({ path });
    const lists = longestKeys("1");
    const entries = lists.flatMap((list) => longestKeys("2").map((id) => taskEntry(list, id)));
    const outcomes = await adapter.save(entries);
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    for (const list of lists) {
      const listed: string[] = [];
      for await (const page of adapter.all(list, { pageSize: 3, maxPageBytes: 1024 * 1024 }))
        listed.push(...page.map((bytes) => readStamp(bytes).id));
      expect(listed).toEqual(longestKeys("2"));
    }
    await adapter.close();
    await expectWhole(path);
  });

  it("refuses keys that could be taken for others, each for itself", async () => {
    const adapter = new LmdbAdapter({ path: temporaryFolder() });
    const list = newTaskList();
    const good = taskEntry(list, "good");
    const bad = [
      { ...good, id: "a\0b" },
      { ...good, taskList: `${list}\0x` },
      { ...good, id: "x".repeat(513) },
      { ...good, id: "" },
    ];
    const outcomes = await adapter.save([...bad, good]);
    for (const outcome of outcomes.slice(0, 4)) expect(outcome).toMatchObject({ error: { code: "INVALID_KEY" } });
    expect(outcomes[4]).toMatchObject({ ok: true });
    for (const key of bad) await expect(adapter.find([key])).rejects.toMatchObject({ code: "INVALID_KEY" });
    await expect(
      adapter.all(`${list}\0`, { pageSize: 1, maxPageBytes: 1 })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({
      code: "INVALID_KEY",
    });
    await adapter.close();
  });

  it("gives a save whose encoding fails an error of its own, of whatever kind it is", async () => {
    const adapter = new LmdbAdapter({ path: temporaryFolder() });
    const list = newTaskList();
    const broken = {
      ...taskEntry(list, "broken"),
      encode: () => {
        throw new RangeError("a bug");
      },
    };
    const outcomes = await adapter.save([taskEntry(list, "a"), broken, failingEntry(list, "b"), taskEntry(list, "c")]);
    expect(outcomes).toMatchObject([
      { ok: true },
      { ok: false, error: { code: "INVALID_DATA", id: "broken", cause: expect.any(RangeError) } },
      { ok: false, error: { code: "TOO_LARGE" } },
      { ok: true },
    ]);
    await adapter.close();
  });

  it("keeps envelopes of many megabytes beside small ones, over reopening", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const sizes = [20_000_000, 100, 5_000_000, 0, 17_000_000];
    const entries = sizes.map((size, i) => taskEntry(list, `${i}`, { data: sampleBytes(size) }));
    const first = new LmdbAdapter({ path });
    const outcomes = await first.save(entries);
    await first.close();
    for (let round = 0; round < 3; round++) {
      const adapter = new LmdbAdapter({ path });
      const found = await adapter.find(entries);
      for (const [i, { encode }] of entries.entries()) {
        const outcome = outcomes[i];
        if (!outcome?.ok) throw outcome?.error;
        expect(Buffer.compare(found[i] as Uint8Array, encode(outcome.value))).toBe(0);
      }
      await adapter.close();
      for (const bytes of found) bytes?.fill(1); // they are the caller's, now that the store is closed too
    }
  });

  it("does not grow with each process that used it, nor forget what they saved", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const ahead = new VersionClock(() => BigInt(Date.now()) * 1000n + 1_000_000n);
    let last = 0n;
    for (let i = 0; i < 40; i++) {
      const adapter = new LmdbAdapter({ path, clock: i === 0 ? ahead : new VersionClock() });
      const [outcome] = await adapter.save([taskEntry(list, "a")]);
      if (!outcome?.ok) throw outcome?.error;
      expect(outcome.value).toBeGreaterThan(last);
      last = outcome.value;
      await adapter.complete([{ taskList: list, id: "a", savedAt: last }]);
      await adapter.close();
    }
    const root = open({ path, noSubdir: false, overlappingSync: false, encoding: "binary", keyEncoding: "binary" });
    expect(root.getKeysCount()).toBeLessThan(25);
    await root.close();
  });

  it("does not let a clock that is wrong carry others with it, on the same store or later", async () => {
    const path = temporaryFolder();
    const list = newTaskList();
    const clockAt = (ahead: bigint) => new VersionClock(() => BigInt(Date.now()) * 1000n + ahead);
    const year = 365n * 86_400_000_000n;
    const wild = new LmdbAdapter({ path, clock: clockAt(year) });
    const sane = new LmdbAdapter({ path, clock: clockAt(0n) });
    const [far] = await wild.save([taskEntry(list, "far")]);
    const [near] = await sane.save([taskEntry(list, "near")]);
    const [later] = await sane.save([taskEntry(list, "far")]);
    if (!far?.ok || !near?.ok || !later?.ok) throw new Error("a save failed");
    expect(near.value).toBeLessThan(far.value - year / 2n);
    expect(later.value).toBe(far.value + 1n);
    await Promise.all([wild.close(), sane.close()]);
    await expectWhole(path);
  });
});
