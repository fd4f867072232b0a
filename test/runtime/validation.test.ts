import { DataInterface, isTaskError, OpaqueTask, type TaskError, type Validate } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { SendMail } from "../../gen/example/v1/send_mail_pb.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";

/** Every recipient must have an @, and there must be a subject. */
const validate: Validate = (schema, data) => {
  if (schema.typeName !== SendMailTask.type) return [];
  const { recipients, subject } = data as SendMail;
  return [
    ...recipients.flatMap((each, i) =>
      each.includes("@") ? [] : [{ field: `recipients[${i}]`, rule: "string.email", message: "not an address" }],
    ),
    ...(subject === "" ? [{ field: "subject", rule: "required" }] : []),
  ];
};

const types = [FetchFileTask, SendMailTask];
const key = { mailbox: "ann@example.com", messageId: "m1" };
const good = () => SendMailTask.build({ ...key, subject: "s", recipients: ["bob@example.com"] });
const bad = () => SendMailTask.build({ ...key, recipients: ["bob@example.com", "bob"] });

function failureOf(error: unknown): TaskError {
  if (isTaskError(error)) return error;
  throw error;
}

test("a task whose data breaks a rule is not saved, and the error names the field's path and the rule", async () => {
  const tasks = new DataInterface({ types, adapter: new MemoryAdapter(), validate });
  const error = await tasks.save(bad()).then(() => undefined, failureOf);
  expect(error).toMatchObject({
    code: "INVALID_DATA",
    field: "recipients[1]",
    taskList: key.mailbox,
    id: key.messageId,
  });
  expect(error?.message).toBe(
    "example.v1.SendMail: recipients[1] breaks string.email (not an address); subject breaks required",
  );
  expect(await tasks.find(key.mailbox, key.messageId)).toBeUndefined();
});

test("of many tasks only those that break a rule fail", async () => {
  const tasks = new DataInterface({ types, adapter: new MemoryAdapter(), validate });
  const source = [good(), bad()];
  await expect(tasks.saveAll(source)).rejects.toMatchObject({ code: "BULK_FAILED", failures: [{ task: source[1] }] });
});

test("the data is looked at as it is when it is saved", async () => {
  const tasks = new DataInterface({ types, adapter: new MemoryAdapter(), validate });
  const task = bad();
  task.data.recipients.pop();
  task.data.subject = "s";
  await expect(tasks.save(task)).resolves.toBe(task);
});

test("tasks of other types, and opaque ones, are saved", async () => {
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter(), validate });
  await tasks.create(FetchFileTask, { taskList: "l" });
  const opaque = tasks.fromBinary(bad().toBinary());
  await expect(tasks.save(opaque as OpaqueTask)).resolves.toBeInstanceOf(OpaqueTask);
});

test("what is read is looked at only when asked", () => {
  const tasks = new DataInterface({ types, adapter: new MemoryAdapter(), validate });
  expect(tasks.fromBinary(bad().toBinary())).toBeInstanceOf(SendMailTask);
});

test("what is read and breaks a rule comes opaque, with the reason and its bytes", async () => {
  const adapter = new MemoryAdapter();
  const careless = new DataInterface({ types, adapter });
  const tasks = new DataInterface({ types, adapter, validate, validateRead: true });
  const saved = await careless.save(bad());
  const listed = [];
  for await (const task of tasks.all(key.mailbox)) listed.push(task);
  const readings = [
    await tasks.find(key.mailbox, key.messageId),
    tasks.fromBinary(saved.toBinary()),
    tasks.fromHash(saved.asHash()),
    ...listed,
  ];
  expect(readings).toHaveLength(4);
  for (const task of readings) {
    expect(task).toBeInstanceOf(OpaqueTask);
    expect((task as OpaqueTask).reason).toMatchObject({ code: "INVALID_DATA", field: "recipients[1]" });
    expect(task?.toBinary()).toEqual(saved.toBinary());
  }
  expect(tasks.fromBinary(good().toBinary())).toBeInstanceOf(SendMailTask);
});

test.each([
  [{ validate: "strict" }, "validate: expected a function"],
  [{ validateRead: "yes" }, "validateRead: expected true or false"],
])("%o is refused", (options, message) => {
  const build = () => new DataInterface({ types, adapter: new MemoryAdapter(), ...(options as object) });
  expect(build).toThrow(message);
});

test("a validator that does not give violations is reported", async () => {
  const wrong = (() => true) as unknown as Validate;
  const tasks = new DataInterface({ types, adapter: new MemoryAdapter(), validate: wrong });
  await expect(tasks.save(good())).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "validate" });
});
