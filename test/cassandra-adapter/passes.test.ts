import { getEventListeners } from "node:events";
import type { Client } from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterEach, expect, test, vi } from "vitest";
import { settingRows, tables } from "../../src/adapters/cassandra/schema.js";

const pages = { pageSize: 10, maxPageBytes: 1_000_000 };

/** A client of a keyspace that has its tables, and nothing in them. */
function emptyKeyspace(hangs = (_query: string) => false): Client {
  const columns = Object.entries(tables).flatMap(([table_name, described]) =>
    Object.entries(described).map(([column_name, description]) => {
      const [type, kind, position, clustering_order] = description.split(" ");
      return { table_name, column_name, type, kind, position, clustering_order };
    }),
  );
  const settings = Object.entries(settingRows({ shards: 1, dataCenter: "dc1", margin: 600_000 }));
  const answers: readonly (readonly [string, readonly object[]])[] = [
    ["system_schema.columns", columns],
    ["system_schema.tables", []],
    [".settings", settings.map(([name, value]) => ({ name, value }))],
    ["data_center", [{ data_center: "dc1" }]],
  ];
  const execute = async (query: string) => {
    if (hangs(query)) return new Promise(() => {});
    const rows = answers.find(([part]) => query.includes(part))?.[1];
    return { rows: rows ?? (query.includes("now()") ? [{ now: Date.now() }] : []), info: {} };
  };
  return { connect: async () => undefined, execute } as unknown as Client;
}

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
