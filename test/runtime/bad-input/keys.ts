import { existingTasks } from "taskledger";
import { describe } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { KeyedTask, NamesakeTask } from "../kinds.js";
import { idsOf } from "../stores.js";
import { type Case, key, lone, tasks, testCases } from "./setup.js";

describe("a key", () => {
  const limits = "must be a string of 1 to 512 bytes of well-formed UTF-8 without NUL; ";
  const wrong: [unknown, string][] = [
    [undefined, "got undefined"],
    [null, "got null"],
    [5, "got 5"],
    [5n, "got 5n"],
    [{}, "got an object (Object)"],
    [["a"], "got an array of 1"],
    [Symbol("a"), "got a symbol"],
    ["", "it is empty"],
    ["a\0b", "it holds a NUL"],
    [`a${lone}`, "it holds a lone surrogate"],
    ["\udc00a", "it holds a lone surrogate"],
    ["a".repeat(513), "it has 513 bytes"],
    ["\u{1f600}".repeat(129), "it has 516 bytes"],
  ];
  const name = (value: unknown) =>
    typeof value === "string" ? JSON.stringify(value).slice(0, 20) : String(value).slice(0, 20);
  testCases(
    wrong.flatMap(([value, problem]): Case[] => [
      [
        `list ${name(value)}: find`,
        () => tasks.find(value, "id"),
        "INVALID_KEY",
        "taskList",
        `the task list ${limits}${problem}`,
      ],
      [
        `list ${name(value)}: build`,
        () => FetchFileTask.build({ taskList: value as string }),
        "INVALID_KEY",
        "taskList",
        problem,
      ],
      [`id ${name(value)}: find`, () => tasks.find("list", value), "INVALID_KEY", "id", `the id ${limits}${problem}`],
    ]),
  );
  testCases([
    ["list: all", () => tasks.all(""), "INVALID_KEY", "taskList", limits],
    ["list: new", () => new FetchFileTask({ taskList: "a\0" }), "INVALID_KEY", "taskList", limits],
    ["id: new", () => new FetchFileTask({ taskList: "list", id: "" }), "INVALID_KEY", "id", limits],
    [
      "id null: build",
      () => FetchFileTask.build({ taskList: "list", id: null as never }),
      "INVALID_KEY",
      "id",
      "got null",
    ],
    ["id: create", () => tasks.create(FetchFileTask, { ...key, id: lone }), "INVALID_KEY", "id", limits],
    ["list: existingTasks", () => idsOf(existingTasks("", { tasks })), "INVALID_KEY", "taskList", limits],
    ["list from its field", () => SendMailTask.build({ mailbox: "a\0" }), "INVALID_KEY", "taskList", limits],
    ["list nowhere", () => SendMailTask.build({}), "INVALID_KEY", "taskList", "got undefined"],
    [
      "id against its field",
      () => SendMailTask.build({ mailbox: "list", id: "1", messageId: "2" }),
      "KEY_CONFLICT",
      "id",
      "messageId",
    ],
    [
      "list against its field",
      () => SendMailTask.build({ taskList: "1", mailbox: "2" }),
      "KEY_CONFLICT",
      "taskList",
      "mailbox",
    ],
    [
      "list of a name that is the field's, too",
      () => KeyedTask.build({ taskList: 5 }),
      "INVALID_DATA",
      "taskList",
      "expected a string",
    ],
    ["an ambiguous build", () => NamesakeTask.build(key), "AMBIGUOUS_BUILD", "taskList", "use `new` with `data:`"],
  ]);
});
