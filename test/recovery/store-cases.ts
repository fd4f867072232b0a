import { type Adapter, DataInterface, OpaqueTask, perform, revive } from "taskledger";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "../runtime/failure.js";
import { idsOf } from "../runtime/stores.js";
import { FetchFileTask, nothing, type Tasks } from "./setup.js";

/** Dead letters, their revival, and what tells how a list is, on a store: `open` gives an adapter of it for each case. */
export function describeOnStore(name: string, open: () => Adapter): void {
  let cases = 0;
  let list: string;
  let dead: string;
  let tasks: Tasks;
  let options: { readonly maxAttempts: number; readonly deadLetterList: string; readonly opaque: boolean };

  beforeEach(() => {
    list = `list ${cases}`;
    dead = `dead ${cases++}`;
    options = { maxAttempts: 1, deadLetterList: dead, opaque: true };
    tasks = new DataInterface({ types: [FetchFileTask], adapter: open() });
  });
  afterEach(() => tasks.close());

  const fail = () => Promise.reject(new Error("no such file"));
  const create = (id: string, filename = `${id}.txt`) => tasks.create(FetchFileTask, { taskList: list, id, filename });
  const bury = async (id: string) =>
    expect(await perform(tasks, await create(id), fail, options)).toMatchObject({ type: "dead-lettered" });
  const openIds = () => idsOf(tasks.all(list));
  const deadIds = () => idsOf(tasks.all(dead));

  describe(`dead letters ${name}`, () => {
    test("hold all that the task carried, and why, when and how often it failed", async () => {
      const task = await create("a");
      expect(await perform(tasks, task, fail, options)).toMatchObject({ type: "dead-lettered" });
      expect(await openIds()).toEqual([]);
      const [id] = await deadIds();
      const letter = await tasks.find(dead, id as string);
      expect(letter).toMatchObject({ filename: "a.txt", envelope: { attempt: 1, createdAt: task.envelope.createdAt } });
      expect(letter?.envelope.headers).toEqual({
        "taskledger-dead-list": list,
        "taskledger-dead-id": "a",
        "taskledger-dead-at": expect.stringMatching(/^\d{4}-.*Z$/),
        "taskledger-dead-attempts": "1",
        "taskledger-dead-reason": "no such file",
      });
    });

    test("are saved before the original is completed", async () => {
      const task = await create("a");
      const calls: string[] = [];
      for (const method of ["save", "complete"] as const) {
        const call = tasks.adapter[method].bind(tasks.adapter) as (...given: unknown[]) => never;
        tasks.adapter[method] = (...given: unknown[]) => {
          calls.push(`${method} ${(given[0] as { taskList: string }[])[0]?.taskList}`);
          return call(...given);
        };
      }
      await perform(tasks, task, fail, options);
      expect(calls).toEqual([`save ${dead}`, `complete ${list}`]);
    });

    test("are there once, though the original could not be completed at first", async () => {
      const task = await create("a");
      const { complete } = tasks.adapter;
      tasks.adapter.complete = () => Promise.reject(new Error("the process is killed"));
      const again = { ...options, backoff: { initial: 0 } };
      expect(await perform(tasks, task, fail, again)).toMatchObject({ type: "failed" });
      expect([await openIds(), (await deadIds()).length]).toEqual([["a"], 1]);
      tasks.adapter.complete = complete;
      expect(await perform(tasks, task, fail, again)).toMatchObject({ type: "dead-lettered" });
      expect([await openIds(), (await deadIds()).length]).toEqual([[], 1]);
    });

    test("do not take each other's place: neither a later version's, nor one's of another list", async () => {
      await bury("a");
      await bury("a");
      const other = await tasks.create(FetchFileTask, { taskList: `${list} other`, id: "a" });
      await perform(tasks, other, fail, options);
      expect(await deadIds()).toHaveLength(3);
    });
  });

  describe(`revive ${name}`, () => {
    test("takes dead letters back under their lists and ids, at new versions, as they were, to be tried from 1 on", async () => {
      const before = await create("a");
      await perform(tasks, before, fail, options);
      await bury("b");
      expect(await revive(tasks, dead)).toMatchObject([
        { type: "revived", origin: { taskList: list, id: "a" } },
        { type: "revived", origin: { taskList: list, id: "b" } },
      ]);
      expect(await deadIds()).toEqual([]);
      const revived = (await tasks.find(list, "a")) as FetchFileTask;
      expect(revived).toMatchObject({ filename: "a.txt", envelope: { attempt: 0, headers: {} } });
      expect(revived.envelope.createdAt).toEqual(before.envelope.createdAt);
      expect(revived.envelope.savedAt).toBeGreaterThan(before.envelope.savedAt as bigint);
      expect(await perform(tasks, revived, nothing, options)).toMatchObject({ type: "completed", attempt: 1 });
    });

    test("takes those that are named, and no others", async () => {
      for (const id of ["a", "b", "c"]) await bury(id);
      const [, second] = await deadIds();
      expect(await revive(tasks, dead, { ids: [second as string, "no such id"] })).toHaveLength(1);
      expect(await openIds()).toEqual(["b"]);
      expect(await deadIds()).toHaveLength(2);
    });

    test("tells what it would do, and does nothing, on a dry run", async () => {
      await bury("a");
      expect(await revive(tasks, dead, { dryRun: true })).toMatchObject([{ type: "revived" }]);
      expect(await openIds()).toEqual([]);
      expect(await deadIds()).toHaveLength(1);
    });

    test("leaves alone what is open again where it came from, and what is no dead letter", async () => {
      await bury("a");
      await create("a", "newer");
      await tasks.create(FetchFileTask, { taskList: dead, id: "stray" });
      expect(await revive(tasks, dead)).toMatchObject([{ type: "open" }, { id: "stray", type: "not-a-dead-letter" }]);
      expect(await tasks.find(list, "a")).toMatchObject({ filename: "newer" });
      expect(await deadIds()).toHaveLength(2);
    });

    test("goes on where an earlier call ended between its two steps", async () => {
      await bury("a");
      const { complete } = tasks.adapter;
      tasks.adapter.complete = () => Promise.reject(new Error("the process is killed"));
      await revive(tasks, dead).catch(() => undefined);
      expect([await openIds(), await deadIds()]).toMatchObject([["a"], [expect.anything()]]);
      tasks.adapter.complete = complete;
      expect(await revive(tasks, dead)).toMatchObject([{ type: "revived" }]);
      expect([await openIds(), await deadIds()]).toEqual([["a"], []]);
    });

    test("loses nothing of a task that is being given up at the same moment", async () => {
      const task = await create("a");
      const { complete } = tasks.adapter;
      tasks.adapter.complete = async (...given) => {
        tasks.adapter.complete = complete;
        expect(await revive(tasks, dead)).toMatchObject([{ type: "revived" }]);
        return complete.apply(tasks.adapter, given);
      };
      expect(await perform(tasks, task, fail, options)).toMatchObject({ type: "dead-lettered" });
      expect([await openIds(), await deadIds()]).toEqual([["a"], []]);
    });

    test("takes back, byte for byte, what nobody here can read", async () => {
      const mails = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
      const mail = await mails.create(SendMailTask, { mailbox: list, messageId: "m1", subject: "s" });
      const opaque = (await tasks.find(list, "m1")) as OpaqueTask;
      expect(opaque).toBeInstanceOf(OpaqueTask);
      await perform(tasks, opaque, fail, options);
      expect(await deadIds()).toHaveLength(1);
      expect(await revive(tasks, dead)).toMatchObject([{ type: "revived" }]);
      expect((await mails.find(list, "m1"))?.data).toEqual(mail.data);
    });
  });

  describe(`tasks that another makes, ${name}`, () => {
    const parts = ["charge", "receipt", "index"];
    /** As PlaceOrder in docs/queues.md: one save takes an order or does not, and its execution makes the others. */
    class PlaceOrder extends FetchFileTask {
      override async execute(): Promise<void> {
        for (const part of parts) await tasks.create(FetchFileTask, { taskList: dead, id: `${part} of ${this.id}` });
      }
    }
    const partIds = parts.map((part) => `${part} of order 1`);
    let place: DataInterface<typeof PlaceOrder>;
    beforeEach(async () => {
      place = new DataInterface({ types: [PlaceOrder], adapter: tasks.adapter });
      await place.create(PlaceOrder, { taskList: list, id: "order 1" });
    });

    const performOrder = async () => {
      const order = await place.find(list, "order 1");
      return perform(place, order as PlaceOrder, undefined, { backoff: { initial: 0 } });
    };

    test("are all open once it is completed", async () => {
      expect(await performOrder()).toMatchObject({ type: "completed" });
      expect([await openIds(), await deadIds()]).toEqual([[], partIds]);
    });

    test.each([0, 1, 2])("are all open, each once, though it ended after %s of them the first time", async (saves) => {
      const { save } = tasks.adapter;
      let left = saves;
      tasks.adapter.save = (entries, given) =>
        left-- > 0 ? save.call(tasks.adapter, entries, given) : Promise.reject(new Error("the process is killed"));
      expect(await performOrder()).toMatchObject({ type: "failed" });
      tasks.adapter.save = save;
      expect([await openIds(), await deadIds()]).toEqual([["order 1"], partIds.slice(0, saves)]);
      expect(await performOrder()).toMatchObject({ type: "completed", attempt: 2 });
      expect([await openIds(), await deadIds()]).toEqual([[], partIds]);
    });
  });

  describe(`claimState ${name}`, () => {
    test("tells who has a task, and until when, how often it was tried, and how long it waits", async () => {
      const task = await create("a");
      expect(await tasks.claimState(task)).toBeUndefined();
      const claim = await tasks.claim(task, { owner: "worker 7", lease: 60_000 });
      expect(await tasks.claimState({ taskList: list, id: "a" })).toEqual({
        ...{ attempt: 1, token: claim?.token, owner: "worker 7", claimedUntil: claim?.expiresAt },
        ...{ waitsUntil: undefined, redeliveredUntil: undefined },
      });
      await claim?.release({ retryIn: 60_000 });
      for (const none of [undefined, null, 7, {}, { taskList: "l" }] as never[])
        expect(await failureOf(() => tasks.claimState(none))).toMatchObject({ code: "INVALID_KEY" });
      expect(await tasks.claimState(task)).toMatchObject({ owner: undefined, waitsUntil: expect.any(Date) });
    });
  });

  describe(`stats ${name}`, () => {
    test("counts a list's open tasks and their claims, and tells the oldest", async () => {
      const [first, second] = [await create("a"), await create("b"), await create("c")];
      await tasks.claim(first);
      for (const retryIn of [0, 60_000]) await (await tasks.claim(second))?.release({ retryIn });
      const { oldest, ...counts } = await tasks.stats(list);
      expect(counts).toEqual({ open: 3, isCapped: false, claimed: 1, waiting: 1, retried: 1 });
      expect(oldest?.getTime()).toBe(Number((first.envelope.savedAt as bigint) / 1000n));
      expect(await tasks.stats(list, { claims: false })).toMatchObject({ open: 3, claimed: 0 });
      await tasks.complete(first);
      expect((await tasks.stats(list)).oldest?.getTime()).toBe(Number((second.envelope.savedAt as bigint) / 1000n));
    });

    test("counts no further than it is told to, and nothing of an empty list", async () => {
      for (let i = 0; i < 12; i++) await create(`${i}`);
      expect(await tasks.stats(list, { max: 10 })).toMatchObject({ open: 10, isCapped: true });
      expect(await tasks.stats(list, { max: 12 })).toMatchObject({ open: 12, isCapped: false });
      expect(await tasks.stats(`${list} none`)).toMatchObject({ open: 0, oldest: undefined });
    });
  });
}
