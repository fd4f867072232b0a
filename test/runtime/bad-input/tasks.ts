import { DataInterface, Task, TaskGenerator } from "taskledger";
import { describe } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { adapter, key, tasks, testCases } from "./setup.js";

describe("a task", () => {
  const mails = new DataInterface({ types: [SendMailTask], adapter });
  const file = FetchFileTask.build(key);
  const { build: detached } = FetchFileTask;
  testCases([
    [
      "that is none: save",
      () => tasks.save({ ...key, data: {} }),
      "TYPE_MISMATCH",
      "task",
      "expected a task, got an object (Object)",
    ],
    ["that is undefined: save", () => tasks.save(undefined), "TYPE_MISMATCH", "task", "got undefined"],
    ["that is bytes: save", () => tasks.save(file.toBinary()), "TYPE_MISMATCH", "task", "expected a task, got "],
    [
      "that is a class: complete",
      () => tasks.complete(FetchFileTask),
      "TYPE_MISMATCH",
      "task",
      "got a function (FetchFileTask)",
    ],
    [
      "of an unregistered type: save",
      () => mails.save(file),
      "UNKNOWN_TYPE",
      "types",
      "example.v1.FetchFile is not registered in this data interface",
    ],
    [
      "of an unregistered type: create",
      () => (mails as typeof tasks).create(FetchFileTask, key),
      "UNKNOWN_TYPE",
      "types",
      "add its class to types",
    ],
    [
      "of no type: create",
      () => tasks.create(Task, key),
      "UNSUPPORTED",
      undefined,
      "Task has no type of its own: call it on the generated class of a task type",
    ],
    ["of no class: create", () => tasks.create(undefined, key), "UNSUPPORTED", undefined, "has no type of its own"],
    [
      "of no type: build",
      () => (Task as typeof tasks).build(key),
      "UNSUPPORTED",
      undefined,
      "Task has no type of its own",
    ],
    [
      "of no type: new",
      () => new (class Mine extends Task {})(key),
      "UNSUPPORTED",
      undefined,
      "Mine has no type of its own",
    ],
    [
      "of a build without its class",
      () => (detached as typeof tasks)(key),
      "UNSUPPORTED",
      undefined,
      "this has no type of its own",
    ],
    ["that was not saved: complete", () => tasks.complete(file), "NOT_SAVED", "savedAt", "serialize after saving"],
    [
      "of a source that is none",
      () => tasks.saveAll(file),
      "INVALID_ARGUMENT",
      "source",
      "expected an iterable or async iterable of tasks, got an object (FetchFileTask)",
    ],
    ["of a text for a source", () => tasks.completeAll("tasks"), "INVALID_ARGUMENT", "source", 'got "tasks"'],
    [
      "of a generator's source that is none",
      () => new TaskGenerator(5 as never),
      "INVALID_ARGUMENT",
      "source",
      "or a function that gives one, got 5",
    ],
  ]);
});
