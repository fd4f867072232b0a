import { getEventListeners } from "node:events";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterEach, expect, test, vi } from "vitest";
import { emptyKeyspace } from "./empty-keyspace.js";

const pages = { pageSize: 10, maxPageBytes: 1_000_000 };

afterEach(() => vi.restoreAllMocks());

test("passes that have ended, or were left, leave nothing behind at the signals that live on", async () => {
  const listening = vi.spyOn(EventTarget.prototype, "addEventListener");
  const joining = vi.spyOn(AbortSignal, "any"); // it does, and nobody can see it
  const adapter = new CassandraAdapter({ keyspace: "tasks", client: emptyKeyspace() });
  const { signal } = new AbortController();
  for (const options of [pages, { ...pages, signal }]) {
    for await (const page of adapter.all("l", options)) expect(page).toEqual([]);
    await adapter.all("l", options).return();
  }
  const targets = new Set(listening.mock.contexts as EventTarget[]);
  expect(targets).toContain(signal);
  expect(targets.size).toBeGreaterThan(1);
  expect([...targets].flatMap((target) => getEventListeners(target, "abort"))).toEqual([]);
  expect(joining).not.toHaveBeenCalled();
  await adapter.close();
});

test("a pass that is under way ends with CLOSED when the adapter is closed", async () => {
  const client = emptyKeyspace((query) => query.includes("open_tasks"));
  const adapter = new CassandraAdapter({ keyspace: "tasks", client });
  await adapter.open();
  const reading = adapter.all("l", pages).next();
  setImmediate(() => adapter.close());
  await expect(reading).rejects.toMatchObject({ code: "CLOSED" });
});
