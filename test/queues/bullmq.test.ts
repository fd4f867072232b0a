import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { DataInterface, dispatchKey } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRedis, whyNoRedis } from "../../examples/servers/redis.js";
import type { Server } from "../../examples/servers/server.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { leftOut } from "../support/left-out.js";
import { until } from "../support/until.js";
import { Recipe } from "./recipe.js";

const reason = leftOut("docs/queues-bullmq.md", whyNoRedis());

describe.skipIf(reason)(`docs/queues-bullmq.md${reason ? ` (${reason})` : ""}`, { timeout: 60_000 }, () => {
  let server: Server;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.port);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  test("has programs that compile, hand tasks over, do them once, and bring back what a flushed Redis lost", async () => {
    const recipe = new Recipe("queues-bullmq", { REDIS_PORT: String(server.port) });
    try {
      recipe.compile();
      for (let i = 0; i < 3; i++) await recipe.run("generator.ts");
      const ids = await recipe.open();
      expect(ids).toHaveLength(3);
      await redis.flushall();
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

  async function withQueue(use: (queue: Queue, work: (fails?: boolean) => Promise<void>) => Promise<void>) {
    const connection = { host: "127.0.0.1", port: server.port };
    const queue = new Queue("traps", { connection });
    const work = async (fails = false) => {
      const handle = async () => {
        if (fails) throw new Error("it can't be done");
      };
      const worker = new Worker("traps", handle, { connection });
      await until(async () => (await queue.getJobCountByTypes("waiting", "active")) === 0, "the jobs to end");
      await worker.close();
    };
    try {
      await use(queue, work);
    } finally {
      await queue.obliterate({ force: true });
      await queue.close();
    }
  }

  const task = async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    return tasks.create(FetchFileTask, { taskList: "acme.com:8080", id: "7" });
  };

  test("is right on job ids: which are refused, and that those of ended jobs swallow what is added", () =>
    withQueue(async (queue, work) => {
      await expect(queue.add("task", {}, { jobId: "acme.com:7" })).rejects.toThrow("cannot contain :");
      await expect(queue.add("task", {}, { jobId: "7" })).rejects.toThrow("cannot be integers");
      const jobId = dispatchKey(await task());
      await queue.add("task", {}, { jobId });
      await work();
      await queue.add("task", {}, { jobId });
      expect(await queue.getWaitingCount()).toBe(0);
      await queue.obliterate({ force: true });
      const options = { jobId, removeOnComplete: true, removeOnFail: true };
      await queue.add("task", {}, options);
      await work(true);
      await queue.add("task", {}, options);
      expect(await queue.getWaitingCount()).toBe(1);
    }));

  test("is right on deduplication: it drops what waits already, and takes what has ended or is lost", () =>
    withQueue(async (queue, work) => {
      const options = { deduplication: { id: dispatchKey(await task()) } };
      const addTwice = async () => {
        await queue.add("task", {}, options);
        await queue.add("task", {}, options);
        return queue.getWaitingCount();
      };
      expect(await addTwice()).toBe(1);
      await work();
      expect(await addTwice()).toBe(1);
      await work(true);
      expect(await addTwice()).toBe(1);
      await redis.flushall();
      expect(await addTwice()).toBe(1);
    }));

  test("is right on data: bytes do not survive JSON, base64 does", () =>
    withQueue(async (queue) => {
      const bytes = (await task()).toBinary();
      const { id = "" } = await queue.add("task", { bytes, text: Buffer.from(bytes).toString("base64") });
      const { bytes: found, text } = (await queue.getJob(id))?.data ?? {};
      expect(found).not.toBeInstanceOf(Uint8Array);
      expect(new Uint8Array(Buffer.from(text, "base64"))).toEqual(bytes);
    }));
});
