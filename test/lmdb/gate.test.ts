import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { readStamp } from "../../src/envelope.js";
import { taskEntry } from "../../src/testing/entries.js";
import { temporaryFolder } from "./folders.js";
import { StoreProcess } from "./process.js";

const list = "gate.example";
const FOR_EVER = 600_000;

let path: string;
let adapter: LmdbAdapter;
const others: StoreProcess[] = [];

function start(): StoreProcess {
  const other = new StoreProcess(path);
  others.push(other);
  return other;
}

beforeEach(async () => {
  path = temporaryFolder();
  adapter = new LmdbAdapter({ path });
  await adapter.open();
});

afterEach(async () => {
  await Promise.all(others.splice(0).map((other) => other.kill()));
  await adapter.close();
});

async function save(id: string): Promise<unknown> {
  const [outcome] = await adapter.save([taskEntry(list, id)]);
  return outcome?.ok;
}

/** Whether it is still under way after a time in which it would be done. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  return (await Promise.race([promise.then(() => "done"), sleep(400, "waiting")])) === "waiting";
}

describe("the gate", { timeout: 120_000 }, () => {
  it("loses no save while other processes open and close the store", async () => {
    const opening = [start(), start()].map((other) => other.ask<number>("reopenWithin", 5000));
    let over = false;
    const opened = Promise.all(opening).finally(() => {
      over = true;
    });
    const saved: string[] = [];
    for (let serial = 0; !over; serial++) {
      expect(await save(`${serial}`)).toBe(true);
      saved.push(`${serial}`);
    }
    const listed: string[] = [];
    for await (const page of adapter.all(list, { pageSize: 1000, maxPageBytes: 1024 * 1024 }))
      listed.push(...page.map((bytes) => readStamp(bytes).id));
    expect(listed).toEqual(saved);
    for (const count of await opened) expect(count).toBeGreaterThan(20);
  });

  it("lets processes open and close the store at the same time, and none of them for good", async () => {
    await adapter.close();
    const opened = [start(), start(), start()].map((other) => other.ask<number>("reopen", 3000));
    for (const count of await Promise.all(opened)) expect(count).toBeGreaterThan(5);
  });

  it("lets nobody write while another process opens the store", async () => {
    const other = start();
    other.tell("opening", 1500);
    expect(await other.hear()).toEqual({ opening: true });
    const saved = save("a");
    expect(await isWaiting(saved)).toBe(true);
    expect(await adapter.find([{ taskList: list, id: "a" }])).toEqual([undefined]);
    expect(await other.hear()).toHaveProperty("answer");
    expect(await saved).toBe(true);
  });

  it("lets nobody open the store while another process writes", async () => {
    const other = start();
    other.tell("writing", 1500);
    expect(await other.hear()).toEqual({ writing: true });
    const opened = start().ask("open");
    expect(await isWaiting(opened)).toBe(true);
    expect(await save("a")).toBe(true);
    expect(await other.hear()).toHaveProperty("answer");
    await opened;
  });

  it("forgets a process that has died while it opened the store", async () => {
    const other = start();
    other.tell("opening", FOR_EVER);
    expect(await other.hear()).toEqual({ opening: true });
    const saved = save("a");
    await other.kill();
    expect(await saved).toBe(true);
    expect(existsSync(join(path, "opening"))).toBe(false);
    await start().ask("open");
  });

  it("forgets a process that has died while it wrote", async () => {
    const other = start();
    other.tell("writing", FOR_EVER);
    expect(await other.hear()).toEqual({ writing: true });
    const opened = start().ask("open");
    await other.kill();
    await opened;
  });

  it("forgets a process that has died while it opened or closed the gate itself", async () => {
    writeFileSync(join(path, "gate.turn"), "");
    await start().ask("open");
    expect(existsSync(join(path, "gate.turn"))).toBe(false);
  });

  it("tells which process keeps the store from being opened, after ten seconds", async () => {
    const other = start();
    other.tell("writing", FOR_EVER);
    expect(await other.hear()).toEqual({ writing: true });
    const { code, message } = await start().refusal("open");
    expect([code, message]).toEqual([
      "UNAVAILABLE",
      expect.stringContaining(`process ${other.pid} is in the midst of`),
    ]);
    expect(await save("a")).toBe(true);
  });
});
