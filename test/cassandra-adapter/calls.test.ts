import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "cassandra-driver";
import { DataInterface } from "taskledger";
import { CassandraAdapter, type CassandraAdapterOptions } from "taskledger/cassandra";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { emptyKeyspace } from "./empty-keyspace.js";

const entry = (id: string, size = 3) => ({
  taskList: "datto.com",
  id,
  type: "example.v1.FetchFile",
  replaces: [],
  body: new Uint8Array(size),
});

/** An adapter whose batches are answered a moment after they were sent. */
function open(options: Partial<CassandraAdapterOptions> = {}): CassandraAdapter {
  const client = Object.assign(emptyKeyspace(), { batch: () => sleep(1, {}) }) as unknown as Client;
  return new CassandraAdapter({ client, keyspace: "tasks", ...options } as CassandraAdapterOptions);
}

test("an abort controller in place of its signal is refused, whether the adapter is open or not", async () => {
  const adapter = open();
  const options = { signal: new AbortController() as unknown as AbortSignal };
  const calls = () => [
    adapter.open(options),
    adapter.save([entry("a")], options),
    adapter.complete([{ taskList: "datto.com", id: "a", savedAt: 1n }], options),
    adapter.find([{ taskList: "datto.com", id: "a" }], options),
  ];
  for (let i = 0; i < 2; i++) {
    for (const call of calls())
      await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "signal", outcome: "not-applied" });
    await adapter.open();
  }
  await adapter.close();
});

test("a failure that nobody looks at is reported as unhandled, as of any promise", async () => {
  const adapter = open();
  await adapter.open();
  await adapter.close();
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const unhandled = new Promise((resolve) => process.once("unhandledRejection", resolve));
  try {
    void adapter.save([entry("a")]);
    expect(await Promise.race([unhandled, sleep(1_000)])).toMatchObject({ code: "CLOSED" });
  } finally {
    for (const listener of others) process.on("unhandledRejection", listener);
  }
});

describe("an adapter that is full, and was asked to fail then", () => {
  const full = () => open({ maxPendingTasks: 2, whenFull: "fail" });
  const entries = Array.from({ length: 10 }, (_, i) => entry(`file${i}`));
  const completes = entries.map(({ taskList, id }) => ({ taskList, id, savedAt: 1n }));

  test("fails with OVERLOADED what is beyond", async () => {
    const adapter = full();
    for (const outcomes of [await adapter.save(entries), await adapter.complete(completes)]) {
      const codes = outcomes.map((outcome) => (outcome.ok ? "done" : outcome.error.code));
      expect(codes).toEqual([...Array(2).fill("done"), ...Array(8).fill("OVERLOADED")]);
    }
    await adapter.close();
  });

  test("lets what saveAll takes from its source wait, and says nothing of it", async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: full() });
    const source = Array.from({ length: 101 }, (_, i) =>
      FetchFileTask.build({ taskList: "datto.com", id: `file${i}`, externalHost: "h", filename: "f" }),
    );
    expect(await tasks.saveAll(source)).toBe(101);
    expect(await tasks.completeAll(source)).toBe(101);
    await tasks.close();
  });

  test("lets what comes in bulk wait, be it a single one", async () => {
    const adapter = full();
    const outcomes = await Promise.all([
      adapter.save(entries, { isBulk: true }),
      adapter.save([entry("last")], { isBulk: true }),
      adapter.complete(completes, { isBulk: true }),
    ]);
    expect(outcomes.flat().every(({ ok }) => ok)).toBe(true);
    await adapter.close();
  });
});
