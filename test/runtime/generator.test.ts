import { configure, DataInterface, existingTasks, Task, TaskGenerator } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { failureOf } from "./failure.js";
import { idsOf, recordingStore } from "./stores.js";

const build = (id: string, taskList = "datto.com") => FetchFileTask.build({ taskList, id });

async function* later(...ids: string[]): AsyncGenerator<FetchFileTask> {
  for (const id of ids) yield build(id);
}

describe("a task generator", () => {
  test("gives the tasks of its sources, one source after the other", async () => {
    const tasks = new TaskGenerator(
      [build("1"), build("2")],
      later("3"),
      () => [build("4")],
      () => later("5"),
    );
    expect(await idsOf(tasks)).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("takes more sources, and gives itself for chaining", async () => {
    const tasks = new TaskGenerator<FetchFileTask>();
    expect(tasks.append([build("1")]).append(later("2"), [build("3")])).toBe(tasks);
    expect(tasks.sources).toHaveLength(3);
    expect(await idsOf(tasks)).toEqual(["1", "2", "3"]);
  });

  test("may be another's source", async () => {
    expect(await idsOf(new TaskGenerator([build("1")]).append(new TaskGenerator(later("2"))))).toEqual(["1", "2"]);
  });

  test("comes to sources that are appended while it is read", async () => {
    const tasks = new TaskGenerator([build("1")]);
    const ids: string[] = [];
    for await (const { id } of tasks) {
      ids.push(id);
      if (id === "1") tasks.append([build("2")]);
    }
    expect(ids).toEqual(["1", "2"]);
  });

  test("is lazy: a source is not touched before its turn comes", async () => {
    let touched = 0;
    const source = () => {
      touched++;
      return [build("2")];
    };
    const iterator = new TaskGenerator([build("1")], source)[Symbol.asyncIterator]();
    await iterator.next();
    expect(touched).toBe(0);
    await iterator.next();
    expect(touched).toBe(1);
  });

  test("calls a function again for each reading", async () => {
    const tasks = new TaskGenerator(() => later("1"));
    expect([await idsOf(tasks), await idsOf(tasks)]).toEqual([["1"], ["1"]]);
  });

  test("closes the source that is left early", async () => {
    let isClosed = false;
    function* source() {
      try {
        yield build("1");
        yield build("2");
      } finally {
        isClosed = true;
      }
    }
    for await (const _ of new TaskGenerator(source)) break;
    expect(isClosed).toBe(true);
  });

  test("throws what a source throws", async () => {
    const failure = new Error("the file of names is gone");
    const source = () => {
      throw failure;
    };
    await expect(idsOf(new TaskGenerator<FetchFileTask>(source))).rejects.toBe(failure);
  });

  test.each([[undefined], [5], ["tasks"], [{}], [build("1")]])("takes no source that is none: %o", async (source) => {
    for (const act of [() => new TaskGenerator(source as never), () => new TaskGenerator().append(source as never)])
      expect(await failureOf(act)).toMatchObject({ code: "INVALID_ARGUMENT", field: "source" });
  });

  test.each([[undefined], [5], [Promise.resolve([])]])("takes no function that gives none: %o", async (given) => {
    const error = await failureOf(() => idsOf(new TaskGenerator<FetchFileTask>((() => given) as never)));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "source" });
  });
});

describe("existing tasks", () => {
  test("are the open ones of a list, oldest first, read anew each time", async () => {
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    for (const id of ["1", "2", "3"]) await tasks.save(build(id));
    const existing = existingTasks("datto.com", { tasks });
    expect(await idsOf(existing)).toEqual(["1", "2", "3"]);
    await tasks.complete((await tasks.find("datto.com", "2")) as FetchFileTask);
    expect(await idsOf(existing)).toEqual(["1", "3"]);
  });

  test("are read when they are asked for, and where they may be until when", async () => {
    const store = recordingStore();
    const tasks = new DataInterface({ types: [FetchFileTask], adapter: store });
    await tasks.save(build("1"));
    const savedBefore = (await tasks.save(build("2"))).envelope.savedAt;
    const existing = existingTasks("datto.com", { tasks, savedBefore });
    expect(store.calls).toEqual(["save 1", "save 1"]);
    expect(await idsOf(existing)).toEqual(["1"]);
  });

  test("are those of the configured interface where none is given", async () => {
    const existing = existingTasks("datto.com");
    await using tasks = configure({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    await tasks.save(build("1"));
    expect(await idsOf(existing)).toEqual(["1"]);
    for await (const task of existing) expect(task).toBeInstanceOf(Task);
  });

  test("can be saved to another list's store with those that are new", async () => {
    const here = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    const there = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
    await there.save(build("old"));
    const all = new TaskGenerator<Task>([build("new")]).append(existingTasks("datto.com", { tasks: there }));
    expect(await here.saveAll(all)).toBe(2);
    expect(await idsOf(here.all("datto.com"))).toEqual(["new", "old"]);
  });
});
