import { CompositeTask, DataInterface, type ExecuteContext, TaskError } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "./failure.js";
import { idsOf, recordingStore, standBefore } from "./stores.js";

/** What was executed, and the tasks that fail, by their ids. */
let executed: string[];
let failing: Map<string, unknown>;
let running: number;
let mostRunning: number;

class FetchFile extends FetchFileTask {
  override async execute({ signal }: ExecuteContext): Promise<string> {
    mostRunning = Math.max(mostRunning, ++running);
    await new Promise(setImmediate);
    running--;
    executed.push(this.id);
    signal.throwIfAborted();
    if (failing.has(this.id)) throw failing.get(this.id);
    return `fetched ${this.id}`;
  }
}

const types = [FetchFile, CompositeTask];
let tasks: DataInterface<(typeof types)[number]>;

beforeEach(() => {
  executed = [];
  failing = new Map();
  running = 0;
  mostRunning = 0;
  tasks = new DataInterface({ types, adapter: new MemoryAdapter() });
});

const context = (): ExecuteContext => ({ signal: new AbortController().signal });

async function createChildren(count: number, taskList = "children"): Promise<void> {
  for (let i = 0; i < count; i++) await tasks.create(FetchFile, { taskList, id: `${i}` });
}

function createComposite(childTaskList = "children", taskList = "nightly", id = "fetch"): Promise<CompositeTask> {
  return tasks.create(CompositeTask, { taskList, id, childTaskList });
}

describe("a composite task that is executed", () => {
  test("executes and completes its children, oldest first, one at a time", async () => {
    await createChildren(4);
    await createComposite();
    const composite = (await tasks.find("nightly", "fetch")) as CompositeTask;
    expect(composite.childTaskList).toBe("children");
    expect(await composite.execute(context())).toBeUndefined();
    expect(executed).toEqual(["0", "1", "2", "3"]);
    expect(mostRunning).toBe(1);
    expect(await idsOf(tasks.all("children"))).toEqual([]);
  });

  test("gives its children the services of its interface, also on a store without claims", async () => {
    const given: unknown[] = [];
    class Serviced extends FetchFileTask {
      override async execute({ services }: ExecuteContext): Promise<void> {
        given.push(services);
      }
    }
    const services = { mailer: "a mailer" } as never;
    for (const adapter of [tasks.adapter, standBefore(tasks.adapter, {})]) {
      const own = new DataInterface({ types: [Serviced, CompositeTask], adapter, services });
      await own.create(Serviced, { taskList: "children" });
      const composite = await own.create(CompositeTask, { taskList: "nightly", childTaskList: "children" });
      await composite.execute(context());
    }
    expect(given).toEqual([services, services]);
  });

  test("stays open itself until its worker completes it", async () => {
    const composite = await createComposite();
    await composite.execute(context());
    expect(await idsOf(tasks.all("nightly"))).toEqual(["fetch"]);
    await composite.complete();
    expect(await idsOf(tasks.all("nightly"))).toEqual([]);
  });

  test("leaves a child open that fails, goes on with the others, and is then incomplete", async () => {
    await createChildren(4);
    const composite = await createComposite();
    failing.set("1", new Error("no such file")).set("2", new Error("another"));
    const error = await failureOf(() => composite.execute(context()));
    expect(error).toMatchObject({
      code: "COMPOSITE_INCOMPLETE",
      taskList: "nightly",
      id: "fetch",
      message: '2 of the tasks of "children" stay open; the first is 1: no such file',
      cause: failing.get("1"),
    });
    expect(executed).toEqual(["0", "1", "2", "3"]);
    expect(await idsOf(tasks.all("children"))).toEqual(["1", "2"]);
    failing.clear();
    await composite.execute(context());
    expect(await idsOf(tasks.all("children"))).toEqual([]);
  });

  test("leaves a child open that is opaque, and is then incomplete", async () => {
    await createChildren(1);
    const mails = new DataInterface({ types: [SendMailTask], adapter: tasks.adapter });
    await mails.create(SendMailTask, { mailbox: "children", messageId: "mail" });
    const composite = await createComposite();
    const { code, cause } = await failureOf(() => composite.execute(context()));
    expect({ code, cause }).toMatchObject({
      code: "COMPOSITE_INCOMPLETE",
      cause: { code: "UNKNOWN_TYPE", id: "mail" },
    });
    expect(await idsOf(tasks.all("children"))).toEqual(["mail"]);
  });

  test("takes a child whose completion fails for one that stays open", async () => {
    const timeout = new TaskError("TIMEOUT", "no answer", { outcome: "unknown" });
    const adapter = standBefore(tasks.adapter, { complete: () => Promise.reject(timeout) });
    await createChildren(1);
    await createComposite();
    const other = new DataInterface({ types, adapter });
    const composite = (await other.find("nightly", "fetch")) as CompositeTask;
    expect(await failureOf(() => composite.execute(context()))).toMatchObject({ cause: timeout });
  });

  test("takes a child that throws nothing for one that failed", async () => {
    await createChildren(1);
    failing.set("0", undefined);
    const composite = await createComposite();
    expect(await failureOf(() => composite.execute(context()))).toMatchObject({ code: "COMPOSITE_INCOMPLETE" });
    expect(await idsOf(tasks.all("children"))).toEqual(["0"]);
  });

  test("may have composites for children", async () => {
    await createChildren(2, "leaves");
    await createComposite("leaves", "children", "inner");
    await (await createComposite()).execute(context());
    expect(executed).toEqual(["0", "1"]);
    expect(await idsOf(tasks.all("children"))).toEqual([]);
  });

  test("leaves an inner composite open whose child fails", async () => {
    await createChildren(1, "leaves");
    failing.set("0", new Error("no such file"));
    await createComposite("leaves", "children", "inner");
    const composite = await createComposite();
    expect(await failureOf(() => composite.execute(context()))).toMatchObject({
      cause: { code: "COMPOSITE_INCOMPLETE", id: "inner", cause: { message: "no such file" } },
    });
    expect(await idsOf(tasks.all("children"))).toEqual(["inner"]);
  });
});

describe("lists that contain one another", () => {
  test("a composite in its own list is passed over", async () => {
    await createChildren(2, "nightly");
    const composite = await createComposite("nightly");
    await composite.execute(context());
    expect(executed).toEqual(["0", "1"]);
    expect(await idsOf(tasks.all("nightly"))).toEqual(["fetch"]);
  });

  test("two composites in each other's lists end", async () => {
    await createComposite("b", "a", "1");
    const first = (await tasks.find("a", "1")) as CompositeTask;
    await createComposite("a", "b", "2");
    await createChildren(1, "a");
    await first.execute(context());
    expect(executed).toEqual(["0"]);
    expect(await idsOf(tasks.all("b"))).toEqual([]);
    expect(await idsOf(tasks.all("a"))).toEqual(["1"]);
  });

  test("so do those that run their children in a way of their own, and hand on their context", async () => {
    class Parallel extends CompositeTask {
      override async execute(context: ExecuteContext): Promise<void> {
        for await (const child of this.run({ ...context, concurrency: 2 })) if ("error" in child) throw child.error;
      }
    }
    const parallel = new DataInterface({ types: [FetchFile, Parallel], adapter: tasks.adapter });
    const first = await parallel.create(Parallel, { taskList: "a", id: "1", childTaskList: "b" });
    await parallel.create(Parallel, { taskList: "b", id: "2", childTaskList: "a" });
    await createChildren(1, "a");
    await first.execute(context());
    expect(executed).toEqual(["0"]);
    expect(await idsOf(tasks.all("a"))).toEqual(["1"]);
  });
});

describe("run", () => {
  test("gives each child with its result once it is completed, or with its error", async () => {
    await createChildren(3);
    failing.set("1", new Error("no such file"));
    const results: unknown[] = [];
    for await (const child of (await createComposite()).run()) {
      const { id } = child.task;
      results.push([
        id,
        child.type,
        child.type === "completed" ? child.result : (child as { error?: Error }).error?.message,
      ]);
      expect(await tasks.find("children", id)).toEqual(child.type === "failed" ? expect.anything() : undefined);
    }
    expect(results).toEqual([
      ["0", "completed", "fetched 0"],
      ["1", "failed", "no such file"],
      ["2", "completed", "fetched 2"],
    ]);
  });

  test("executes no child before it is asked for", async () => {
    await createChildren(3);
    const composite = await createComposite();
    const run = composite.run();
    await new Promise(setImmediate);
    expect(executed).toEqual([]);
    await run.next();
    expect(executed).toEqual(["0"]);
  });

  test("starts no more children where it is left early", async () => {
    await createChildren(5);
    for await (const { task } of (await createComposite()).run()) if (task.id === "1") break;
    expect(executed).toEqual(["0", "1"]);
    expect(await idsOf(tasks.all("children"))).toEqual(["2", "3", "4"]);
  });

  test("executes as many children at once as it is told to", async () => {
    await createChildren(7);
    const ids: string[] = [];
    for await (const { task } of (await createComposite()).run({ concurrency: 3 })) ids.push(task.id);
    expect(mostRunning).toBe(3);
    expect(ids.toSorted()).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });

  test("waits for the children under way where it is left early, and closes the list", async () => {
    await createChildren(10);
    const composite = await createComposite();
    for await (const _ of composite.run({ concurrency: 3 })) break;
    expect(running).toBe(0);
    expect(await idsOf(tasks.all("children"))).toHaveLength(10 - executed.length);
  });

  test("throws what reading the list throws, after the children under way", async () => {
    await createChildren(2);
    const failure = new TaskError("UNAVAILABLE", "no host answers");
    const adapter = standBefore(tasks.adapter, {
      async *all(taskList, options) {
        yield* tasks.adapter.all(taskList, options);
        throw failure;
      },
    });
    await createComposite();
    const composite = (await new DataInterface({ types, adapter }).find("nightly", "fetch")) as CompositeTask;
    const runAll = async () => {
      for await (const _ of composite.run({ concurrency: 5 }));
    };
    await expect(runAll()).rejects.toBe(failure);
    expect(executed).toEqual(["0", "1"]);
    expect(running).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN, "2", null])("takes no concurrency of %s", async (concurrency) => {
    const run = (await createComposite()).run({ concurrency: concurrency as number });
    expect(await failureOf(() => run.next())).toMatchObject({ code: "INVALID_ARGUMENT", field: "concurrency" });
  });
});

describe("an aborted signal", () => {
  test("that was aborted before stops it before it reads or executes anything", async () => {
    const store = recordingStore();
    const other = new DataInterface({ types, adapter: store });
    const composite = await other.create(CompositeTask, { taskList: "l", childTaskList: "c" });
    const signal = AbortSignal.abort();
    expect(await failureOf(() => composite.execute({ signal }))).toMatchObject({ code: "ABORTED" });
    expect(await failureOf(() => composite.run({ signal }).next())).toMatchObject({ code: "ABORTED" });
    expect(executed).toEqual([]);
  });

  test("reaches the child that executes, and starts no other", async () => {
    const controller = new AbortController();
    await createChildren(3);
    const composite = await createComposite();
    const executing = failureOf(() => composite.execute({ signal: controller.signal }));
    controller.abort(new Error("shutting down"));
    expect(await executing).toMatchObject({ code: "ABORTED" });
    expect(executed.length).toBeLessThanOrEqual(1);
    expect(await idsOf(tasks.all("children"))).toEqual(["0", "1", "2"]);
  });
});
