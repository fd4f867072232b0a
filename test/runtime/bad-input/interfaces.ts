import { configure, DataInterface, OpaqueTask, Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { openStore } from "taskledger/store";
import { describe, test } from "vitest";
import { FetchFileSchema } from "../../../gen/example/v1/fetch_file_pb.js";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { key, testCases } from "./setup.js";

describe("a data interface", () => {
  // biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this file is about
  const make = (options?: any) => () => new DataInterface(options);
  const store = new MemoryAdapter();
  const methods = "(open, save, find, all, complete, close)";
  class Unfinished extends Task {}
  testCases([
    ["of nothing", make(), "INVALID_ARGUMENT", "options", "options: expected { types, adapter }, got undefined"],
    ["of an array", make([]), "INVALID_ARGUMENT", "options", "got an array of 0"],
    [
      "without an adapter",
      make({ types: [] }),
      "INVALID_ARGUMENT",
      "adapter",
      `expected an adapter ${methods}, got undefined`,
    ],
    ["with null for its adapter", make({ types: [], adapter: null }), "INVALID_ARGUMENT", "adapter", "got null"],
    [
      "with a class for its adapter",
      make({ types: [], adapter: MemoryAdapter }),
      "INVALID_ARGUMENT",
      "adapter",
      "got a function (MemoryAdapter)",
    ],
    [
      "with a URL for its adapter",
      make({ types: [], adapter: "memory:" }),
      "INVALID_ARGUMENT",
      "adapter",
      'got "memory:"',
    ],
    [
      "with the promise of an adapter",
      make({ types: [], adapter: openStore("memory:") }),
      "INVALID_ARGUMENT",
      "adapter",
      "got an object (Promise); await it first",
    ],
    [
      "with half an adapter",
      make({ types: [], adapter: { save() {}, find() {} } }),
      "INVALID_ARGUMENT",
      "adapter",
      methods,
    ],
    [
      "with an adapter for its builder",
      make({ types: [], adapterBuilder: store }),
      "INVALID_ARGUMENT",
      "adapter",
      "expected an adapter",
    ],
    [
      "whose builder gives nothing",
      () => make({ types: [], adapterBuilder: () => {} })().find("l", "i"),
      "INVALID_ARGUMENT",
      "adapterBuilder",
      `expected it to return an adapter ${methods}, got undefined`,
    ],
    [
      "without types",
      make({ adapter: store }),
      "INVALID_ARGUMENT",
      "types",
      "types: expected an array of task classes, got undefined",
    ],
    [
      "with a class for its types",
      make({ types: FetchFileTask, adapter: store }),
      "INVALID_ARGUMENT",
      "types",
      "got a function (FetchFileTask)",
    ],
    [
      "with a module for its types",
      make({ types: { FetchFileTask }, adapter: store }),
      "INVALID_ARGUMENT",
      "types",
      "got an object (Object)",
    ],
    [
      "of schemas",
      make({ types: [FetchFileSchema], adapter: store }),
      "TYPE_MISMATCH",
      "types[0]",
      "expected a generated task class, or one that extends it, got an object",
    ],
    [
      "of names",
      make({ types: ["example.v1.FetchFile"], adapter: store }),
      "TYPE_MISMATCH",
      "types[0]",
      'got "example.v1.FetchFile"',
    ],
    [
      "of undefined, as a cycle of imports gives it",
      make({ types: [undefined], adapter: store }),
      "TYPE_MISMATCH",
      "types[0]",
      "got undefined",
    ],
    ["of Task", make({ types: [Task], adapter: store }), "TYPE_MISMATCH", "types[0]", "got a function (Task)"],
    [
      "of OpaqueTask",
      make({ types: [OpaqueTask], adapter: store }),
      "TYPE_MISMATCH",
      "types[0]",
      "got a function (OpaqueTask)",
    ],
    [
      "of a class without a type",
      make({ types: [Unfinished], adapter: store }),
      "TYPE_MISMATCH",
      "types[0]",
      "got a function (Unfinished)",
    ],
    [
      "of tasks",
      make({ types: [FetchFileTask.build(key)], adapter: store }),
      "TYPE_MISMATCH",
      "types[0]",
      "got an object (FetchFileTask)",
    ],
    [
      "of two classes of one type",
      make({ types: [FetchFileTask, class Mine extends FetchFileTask {}], adapter: store }),
      "DUPLICATE_TYPE",
      "types",
      "example.v1.FetchFile is registered twice, as FetchFileTask and as Mine; keep one of them",
    ],
    [
      "of text for a limit",
      make({ types: [], adapter: store, maxTaskBytes: "1MiB" }),
      "INVALID_ARGUMENT",
      "maxTaskBytes",
      'maxTaskBytes: expected a number of bytes, got "1MiB"',
    ],
    ["of no bytes", make({ types: [], adapter: store, maxTaskBytes: 0 }), "INVALID_ARGUMENT", "maxTaskBytes", "got 0"],
    [
      "of NaN bytes",
      make({ types: [], adapter: store, maxTaskBytes: Number.NaN }),
      "INVALID_ARGUMENT",
      "maxTaskBytes",
      "got NaN",
    ],
    [
      "that is configured of nothing",
      () => configure(undefined as never),
      "INVALID_ARGUMENT",
      "options",
      "expected { types, adapter }",
    ],
  ]);

  test("may have a class twice, and no limit", () => {
    make({ types: [FetchFileTask, FetchFileTask], adapter: store, maxTaskBytes: Infinity })();
  });
});
