import { setTimeout as sleep } from "node:timers/promises";
import type { Task } from "taskledger";
import { describe, expect, test } from "vitest";
import { whyNoQueue } from "../../examples/orders/queues/queue-server.js";
import { leftOut } from "../support/left-out.js";
import { SmallDisk, whyNoDisks } from "../support/small-disk.js";
import { compose, growBacklog, killWorker, stopWorker } from "./scenarios.js";
import { LISTS, order, range, say, Town } from "./town.js";

describe("a service beside its queue, on SQLite", { timeout: 300_000 }, () => {
  test("a worker that is killed in the midst of its work leaves nothing undone", () => killWorker({}));

  test("a worker that is stopped past its lease is refused what it writes late, by its lower token", () =>
    stopWorker({}));

  test("a backlog that is redelivered, and recovered too, is done once", () => growBacklog({}));

  test("recover and a composite on one list do each task once", () => compose({}));

  const noRedis = leftOut("a Redis that is flushed", whyNoQueue("bullmq"));
  test.skipIf(noRedis)(`a Redis that is flushed loses no task${noRedis ? ` (${noRedis})` : ""}`, async () => {
    await using town = await Town.begin({ queue: "bullmq" });
    const api = await town.service.start("api");
    await Promise.all(range(40).map((i) => api.ask("POST /orders", order(`order ${i}`))));
    const tasks = await town.open(...LISTS);
    expect(tasks).toHaveLength(120);
    await town.queue.flush();
    await Promise.all(["worker", "worker", "keeper"].map((name) => town.service.start(name as never)));
    await town.untilDone(...LISTS);
    await town.service.end();
    const judgement = town.judge(tasks);
    say("a Redis is flushed in which 120 tasks wait", judgement, tasks.length);
    expect(judgement).toMatchObject({ lost: [], doubled: [] });
  });

  test("an API that is killed at any moment, 50 times, leaves no order with a part of its tasks", async () => {
    await using town = await Town.begin({ timing: { work: 0, concurrency: 16 } });
    const acknowledged = new Set<string>();
    let asked = 0;
    const killOne = async () => {
      const api = await town.service.start("api");
      let hasAnswered = () => {};
      const answered = new Promise<void>((resolve) => {
        hasAnswered = resolve;
      });
      const placeMany = async () => {
        for (;;) {
          const id = `order ${asked++}`;
          await api.ask("POST /orders", order(id));
          acknowledged.add(id);
          hasAnswered();
        }
      };
      const placing = Promise.allSettled(range(3).map(placeMany));
      await answered;
      await sleep(Math.random() * 20);
      await api.kill();
      await placing;
    };
    for (let round = 0; round < 10; round++) await Promise.all(range(5).map(killOne));

    const tasks = await town.open(...LISTS);
    const saved = new Set(tasks.map(({ id }) => id));
    const incomplete = [...saved].filter((id) => tasks.filter((task) => task.id === id).length !== LISTS.length);
    const enqueued = town.broker.waiting / LISTS.length;
    expect({ incomplete, lost: [...acknowledged].filter((id) => !saved.has(id)) }).toEqual({
      incomplete: [],
      lost: [],
    });
    expect(saved.size).toBeLessThan(asked);

    await Promise.all(["worker", "worker", "keeper"].map((name) => town.service.start(name as never)));
    await town.untilDone(...LISTS);
    await town.service.end();
    const judgement = town.judge(tasks);
    const figures = `of ${asked} orders ${acknowledged.size} were acknowledged, ${saved.size} saved, ${enqueued} enqueued`;
    say("an API is killed 50 times", judgement, tasks.length - LISTS.length * enqueued, figures);
    expect(judgement).toMatchObject({ lost: [], doubled: [] });
  });

  const noDisk = leftOut("a full disk", whyNoDisks());
  test.skipIf(noDisk)(`a full disk refuses orders and loses none${noDisk ? ` (${noDisk})` : ""}`, async () => {
    const disk = new SmallDisk("16m");
    try {
      await using town = await Town.begin({ store: `sqlite:${disk.path}/ledger.db` });
      const api = await town.service.start("api");
      await Promise.all(["worker", "worker", "keeper"].map((name) => town.service.start(name as never)));
      const accepted: string[] = [];
      const place = async (id: string) => {
        await api.ask("POST /orders", order(id));
        accepted.push(id);
      };
      await Promise.all(range(20).map((i) => place(`early ${i}`)));
      // Completes free some space at first, which orders may take: the disk is filled until one is refused.
      let refused = 0;
      for (let round = 0; refused === 0 && round < 20; round++) {
        disk.fill();
        const placed = await Promise.allSettled(range(20).map((i) => place(`refused ${round} ${i}`)));
        refused = placed.filter(({ status }) => status === "rejected").length;
      }
      expect(refused).toBeGreaterThan(0);
      disk.free();
      await Promise.all(range(20).map((i) => place(`late ${i}`)));
      const tasks = accepted.flatMap((id) => LISTS.map((taskList) => ({ taskList, id }) as Task));
      await town.untilDone(...LISTS);
      await town.service.end();
      const judgement = town.judge(tasks);
      say("a full disk", judgement, tasks.length, `${refused} orders were refused`);
      expect(judgement.lost).toEqual([]);
      // A card is charged before the booking is saved: where that finds no room, the handler fails, and is called again.
      const atOnce = tasks.filter(({ taskList, id }) => taskList !== "charges" || id.startsWith("late"));
      expect(town.judge(atOnce).doubled).toEqual([]);
    } finally {
      disk.remove();
    }
  });

  test("two versions of the program work side by side: none does what it does not know, none uses up its attempts", async () => {
    await using town = await Town.begin();
    const [old, api, oldApi] = await Promise.all([
      town.service.start("worker"),
      town.service.start("api", { version: 2 }),
      town.service.start("api"),
      town.service.start("worker", { version: 2 }),
      town.service.start("keeper", { version: 2 }),
    ]);
    await Promise.all(
      range(20).flatMap((i) => [
        api.ask("POST /orders", { ...order(`new ${i}`), language: "fr" }),
        oldApi.ask("POST /orders", order(`old ${i}`)),
      ]),
    );
    const lists = [...LISTS, "points"];
    const tasks = await town.open(...LISTS);
    await town.untilDone(...lists);
    await town.service.end();
    const { counts, deeds } = town.world;
    const judgement = town.judge(tasks);
    const points = deeds.filter(({ what }) => what === "points");
    say(
      "two versions side by side",
      judgement,
      points.length,
      `${points.length} tasks of a type that one does not know`,
    );
    expect(judgement).toMatchObject({ lost: [], doubled: [] });
    expect(range(20).map((i) => counts.get(`points new ${i}`))).toEqual(range(20).map(() => 1));
    expect(points.filter(({ by }) => by === old.name)).toEqual([]);
    expect(await town.open("dead")).toEqual([]);
  });
});
