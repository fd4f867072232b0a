import PgBoss from "pg-boss";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresUrl, startPostgres, whyNoPostgres } from "../../examples/servers/postgres.js";
import type { Server } from "../../examples/servers/server.js";
import { leftOut } from "../support/left-out.js";
import { until } from "../support/until.js";
import { Recipe } from "./recipe.js";

const reason = leftOut("docs/queues-pg-boss.md", whyNoPostgres());

describe.skipIf(reason)(`docs/queues-pg-boss.md${reason ? ` (${reason})` : ""}`, { timeout: 60_000 }, () => {
  let server: Server;
  let boss: PgBoss;
  beforeAll(async () => {
    server = await startPostgres();
    boss = new PgBoss(postgresUrl(server));
    boss.on("error", () => {});
    await boss.start();
  }, 60_000);
  afterAll(async () => {
    await boss.stop({ graceful: false });
    await server.stop();
  });

  test("has programs that compile, hand tasks over, do them once, and bring back what the queue lost", async () => {
    const recipe = new Recipe("queues-pg-boss", { DATABASE_URL: postgresUrl(server) });
    try {
      recipe.compile();
      await recipe.run("setup.ts");
      for (let i = 0; i < 3; i++) await recipe.run("generator.ts");
      const ids = await recipe.open();
      expect(ids).toHaveLength(3);
      expect(await boss.getQueueSize("tasks")).toBe(3);
      await boss.purgeQueue("tasks");
      const running = [await recipe.start("worker.ts"), await recipe.start("keeper.ts")];
      await until(async () => (await recipe.open()).length === 0, "the tasks to be done");
      await recipe.run("generator.ts");
      await until(() => recipe.done().length === 4, "the task that was not lost");
      for (const each of running) await each.end();
      expect(new Set(recipe.done()).size).toBe(4);
      expect(recipe.done()).toEqual(expect.arrayContaining(ids));
    } finally {
      recipe.remove();
    }
  });

  test("is right on a queue that nobody has created: what is inserted is nowhere", async () => {
    await boss.insert([{ name: "nowhere", data: {} }]);
    expect(await boss.send("nowhere", {})).toBeNull();
    await boss.createQueue("nowhere");
    expect(await boss.getQueueSize("nowhere")).toBe(0);
    await boss.createQueue("nowhere");
  });

  test("is right on the policy: one waiting job a key, whatever is active", async () => {
    await boss.createQueue("short", { name: "short", policy: "short", retryLimit: 0 });
    const job = { name: "short", data: {}, singletonKey: "acme.com/7@1" };
    await boss.insert([job, job, { ...job, singletonKey: "another" }]);
    expect(await boss.getQueueSize("short")).toBe(2);
    expect(await boss.fetch("short", { batchSize: 10 })).toHaveLength(2);
    await boss.insert([job, job]);
    expect(await boss.getQueueSize("short")).toBe(1);
  });

  test("is right on failures: a handler that rejects fails all jobs of its batch", async () => {
    await boss.createQueue("batches", { name: "batches", retryLimit: 0 });
    const ids = await Promise.all([1, 2, 3].map((n) => boss.send("batches", { n })));
    await boss.work("batches", { batchSize: 3, pollingIntervalSeconds: 0.5 }, () =>
      Promise.reject(new Error("one failed")),
    );
    const states = () => Promise.all(ids.map(async (id) => (await boss.getJobById("batches", id ?? ""))?.state));
    await until(async () => (await states()).every((state) => state === "failed"), "the jobs to fail");
    await boss.offWork("batches");
  });

  test("is right on data: bytes do not survive jsonb, and a NUL is refused", async () => {
    await boss.createQueue("data");
    await expect(boss.send("data", { text: "\0" })).rejects.toThrow("Unicode");
    await boss.send("data", { bytes: new Uint8Array([1, 255]) });
    expect(await boss.fetch("data")).toMatchObject([{ data: { bytes: { "0": 1, "1": 255 } } }]);
  });
});
