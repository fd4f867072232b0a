import { create } from "@bufbuild/protobuf";
import { Task } from "taskledger";
import { describe, expect, test } from "vitest";
import { FetchFileSchema } from "../../gen/example/v1/fetch_file_pb.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailSchema } from "../../gen/example/v1/send_mail_pb.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { failureOf } from "./failure.js";
import { defineTask, EverythingTask, KeyedTask, LegacyTask, NamesakeTask } from "./kinds.js";

const uuidv7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe("a task that is built", () => {
  const init = { taskList: "datto.com", id: "file1", externalHost: "datto.com", filename: "file1.txt" };

  test("has its list, its id and its data, also as members of the generated class", () => {
    const task = FetchFileTask.build(init);
    expect(task).toBeInstanceOf(FetchFileTask);
    expect(task).toBeInstanceOf(Task);
    expect(task).toMatchObject({ ...init, type: "example.v1.FetchFile", size: undefined });
    expect(task.data).toEqual(create(FetchFileSchema, { externalHost: "datto.com", filename: "file1.txt" }));
  });

  test("is the same as one made by `new`, with its data by itself", () => {
    const { taskList, id, ...data } = init;
    const createdAt = new Date();
    const made = [new FetchFileTask({ taskList, id, data }, { createdAt }), FetchFileTask.build(init, { createdAt })];
    expect(made[0]?.toBinary()).toEqual(made[1]?.toBinary());
  });

  test("takes a message for its data", () => {
    const data = create(FetchFileSchema, { filename: "file1.txt" });
    expect(new FetchFileTask({ taskList: "l", id: "i", data }).filename).toBe("file1.txt");
  });

  test("has empty data where none is given", () => {
    expect(new FetchFileTask({ taskList: "l" }).data).toEqual(create(FetchFileSchema));
    expect(FetchFileTask.build({ taskList: "l", filename: undefined, size: undefined }).data).toEqual(
      create(FetchFileSchema),
    );
  });

  test("gets a UUIDv7 for its id where none is given", () => {
    const ids = [1, 2, 3].map(() => FetchFileTask.build({ taskList: "l" }).id);
    for (const id of ids) expect(id).toMatch(uuidv7);
    expect(ids.toSorted()).toEqual(ids);
    expect(new FetchFileTask({ taskList: "l", id: undefined }).id).toMatch(uuidv7);
  });

  test("was created now, and was not saved", () => {
    const before = Date.now();
    const { createdAt, savedAt, attempt, headers } = FetchFileTask.build({ taskList: "l" }).envelope;
    expect(createdAt?.getTime()).toBeGreaterThanOrEqual(before);
    expect(createdAt?.getTime()).toBeLessThanOrEqual(Date.now());
    expect({ savedAt, attempt, headers }).toEqual({ savedAt: undefined, attempt: 0, headers: {} });
  });

  test("takes the moment of its creation, and headers, which are copied", () => {
    const headers = { traceparent: "00-1-2-03" };
    const createdAt = new Date("1969-07-20T20:17:40.123Z");
    const task = FetchFileTask.build({ taskList: "l" }, { headers, createdAt });
    headers.traceparent = "another";
    expect(task.envelope).toMatchObject({ headers: { traceparent: "00-1-2-03" }, createdAt });
  });

  test("keeps a header called __proto__ as any other", () => {
    const headers = JSON.parse('{"__proto__":"x"}');
    const task = FetchFileTask.build({ taskList: "l" }, { headers });
    for (const each of [task, FetchFileTask.fromBinary(task.toBinary()), FetchFileTask.fromHash(task.asHash())])
      expect(Object.entries(each.envelope.headers)).toEqual([["__proto__", "x"]]);
  });

  test("takes headers that are added later", () => {
    const task = FetchFileTask.build({ taskList: "l" });
    task.envelope.headers.tracestate = "a=b";
    expect(FetchFileTask.fromBinary(task.toBinary()).envelope.headers).toEqual({ tracestate: "a=b" });
  });

  test("refuses headers that were added later and are no text", async () => {
    const task = FetchFileTask.build({ taskList: "l", id: "i" });
    for (const value of [undefined, 5, "\ud800"]) {
      task.envelope.headers.bad = value as string;
      for (const act of [() => task.toBinary(), () => task.asHash()])
        expect(await failureOf(act)).toMatchObject({ code: "INVALID_DATA", field: 'headers["bad"]', id: "i" });
    }
  });

  test("may have null for a field that is absent, as in protobuf-es", () => {
    expect(EverythingTask.build({ taskList: "l", child: null, text: null }).data).toMatchObject({ text: "" });
  });

  test("takes an object whose fields are accessors of its class", () => {
    class Fields {
      get filename(): string {
        return "file1.txt";
      }
    }
    class Row extends Fields {
      readonly taskList = "l";
      get id(): string {
        return "i";
      }
    }
    const data = new Fields();
    const tasks = [FetchFileTask.build(new Row()), new FetchFileTask({ taskList: "l", id: "i", data })];
    for (const { id, filename } of tasks) expect({ id, filename }).toEqual({ id: "i", filename: "file1.txt" });
  });

  test("is of the class that build was called on", () => {
    class FetchFile extends FetchFileTask {}
    expect(FetchFile.build({ taskList: "l" })).toBeInstanceOf(FetchFile);
    expect(FetchFile.build({ taskList: "l" }).type).toBe("example.v1.FetchFile");
  });
});

describe("fields that supply the list and the id", () => {
  test("do so", () => {
    const task = SendMailTask.build({ mailbox: "jane@example.com", messageId: "<1@example.com>" });
    expect(task).toMatchObject({ taskList: "jane@example.com", id: "<1@example.com>" });
  });

  test("are filled in where the task's own keys are given, or the id is made", () => {
    const task = SendMailTask.build({ taskList: "jane@example.com", subject: "Hello" });
    expect(task).toMatchObject({ mailbox: "jane@example.com", messageId: task.id });
    expect(task.id).toMatch(uuidv7);
    expect(new SendMailTask({ taskList: "l", id: "i" }).data).toMatchObject({ mailbox: "l", messageId: "i" });
  });

  test("agree with keys that are given as well", () => {
    expect(SendMailTask.build({ taskList: "l", mailbox: "l", id: "i", messageId: "i" })).toMatchObject({ id: "i" });
  });

  test.each([
    [{ taskList: "a", mailbox: "b" }, "taskList", 'taskList is "a", but the field that supplies it, mailbox, is "b"'],
    [{ mailbox: "a", id: "1", messageId: "2" }, "id", 'id is "1", but the field that supplies it, messageId, is "2"'],
  ])("are refused where they do not: %j", async (init, field, message) => {
    const { taskList, id, ...data } = init as typeof init & { taskList?: string; id?: string };
    const acts = [() => SendMailTask.build(init), () => new SendMailTask({ taskList, id, data })];
    for (const act of acts) expect(await failureOf(act)).toMatchObject({ code: "KEY_CONFLICT", field, message });
  });

  test("are not compared in an envelope that is read", () => {
    const task = SendMailTask.build({ mailbox: "jane@example.com" });
    task.data.mailbox = "joe@example.com";
    const read = SendMailTask.fromBinary(task.toBinary());
    expect(read).toMatchObject({ taskList: "jane@example.com", mailbox: "joe@example.com" });
  });

  test("do not change a message that is given for the data, which may be shared", () => {
    const data = Object.freeze(create(SendMailSchema, { subject: "Hello" }));
    const tasks = ["jane@example.com", "joe@example.com"].map((taskList) => new SendMailTask({ taskList, data }));
    expect(tasks.map(({ mailbox, subject }) => [mailbox, subject])).toEqual([
      ["jane@example.com", "Hello"],
      ["joe@example.com", "Hello"],
    ]);
    expect(data).toEqual(create(SendMailSchema, { subject: "Hello" }));
    expect(SendMailTask.build(create(SendMailSchema, { mailbox: "l" }) as never).taskList).toBe("l");
  });

  test("keep the defaults of a proto2 message", () => {
    const data = create(LegacyTask.schema, { name: "n" } as object as never);
    const NamedTask = defineTask("kinds.legacy.Legacy", { idField: "text" });
    const task = new NamedTask({ taskList: "l", id: "i", data });
    expect(task.data).toMatchObject({ name: "n", text: "i", mode: 1 });
    expect(data).toMatchObject({ text: "none" });
  });

  test("may have the task's own names", () => {
    const task = KeyedTask.build({ taskList: "l", id: "i", text: "t" });
    expect(task).toMatchObject({ taskList: "l", id: "i", data: { taskList: "l", id: "i", text: "t" } });
    expect(KeyedTask.build({ taskList: "l" }).data.id).toMatch(uuidv7);
  });
});

describe("a field that has a name of the task's own, and that no option names", () => {
  test("makes build ambiguous", async () => {
    expect(await failureOf(() => NamesakeTask.build({ taskList: "l", id: "i" }))).toMatchObject({
      code: "AMBIGUOUS_BUILD",
      field: "taskList",
      message:
        "kinds.Namesake has a field taskList of its own: use `new` with `data:`, or name the field with list_field",
    });
  });

  test("is read by `data` where the task is made by `new`", () => {
    const task = new NamesakeTask({ taskList: "l", id: "i", data: { taskList: "other", id: "7" } });
    expect(task).toMatchObject({ taskList: "l", id: "i", data: { taskList: "other", id: "7" } });
  });
});

describe("a task that is given for an init", () => {
  test("is refused: its fields are accessors, and would be read as absent", async () => {
    const task = FetchFileTask.build({ taskList: "l", filename: "f" });
    for (const act of [() => FetchFileTask.build(task), () => new FetchFileTask(task)]) {
      const error = await failureOf(act);
      expect(error).toMatchObject({ code: "INVALID_DATA", field: "data" });
      expect(error.message).toContain("use `new` with `data: task.data`");
    }
    expect(new FetchFileTask({ taskList: "l", data: task.data }).filename).toBe("f");
  });
});
