import { create } from "@bufbuild/protobuf";
import { describe } from "vitest";
import { FetchFileSchema } from "../../../gen/example/v1/fetch_file_pb.js";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { EverythingTask, LegacyTask } from "../kinds.js";
import { type Case, key, lone, tasks, testCases } from "./setup.js";

const build = (data: object) => () => EverythingTask.build({ ...key, ...data });

/** `create` and `save` are there to show that nothing reaches the store. */
const field = (what: string, data: object, path: string, message: string): Case => [
  what,
  () => tasks.create(EverythingTask, { ...key, ...data }),
  "INVALID_DATA",
  path,
  `${path}: ${message}`,
];

describe("data", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.child = { child: cyclic };
  const cyclicStruct: Record<string, unknown> = { list: [] };
  (cyclicStruct.list as unknown[]).push(cyclicStruct);
  const tooDeep = (wrap: (value: unknown) => unknown) => {
    let value: unknown = {};
    for (let i = 0; i < 101; i++) value = wrap(value);
    return value as object;
  };
  const deep = (length: number) => Array(length).fill("child").join(".");

  testCases([
    [
      "a misspelt field",
      () => FetchFileTask.build({ ...key, filname: "f" } as never),
      "UNKNOWN_FIELD",
      "filname",
      "example.v1.FetchFile has no field filname",
    ],
    [
      "the .proto's name of a field",
      () => FetchFileTask.build({ ...key, external_host: "h" } as never),
      "UNKNOWN_FIELD",
      "external_host",
      "no field external_host",
    ],
    [
      "a misspelt field at depth",
      build({ children: [{}, { child: { txt: "" } }] }),
      "UNKNOWN_FIELD",
      "children[1].child.txt",
      "kinds.Everything has no field",
    ],
    [
      "a misspelt field in a map",
      build({ childByText: { 'a"b': { txt: "" } } }),
      "UNKNOWN_FIELD",
      'childByText["a\\"b"].txt',
      "no field",
    ],
    [
      "a misspelt field in a oneof",
      build({ choice: { case: "chosenChild", value: { txt: "" } } }),
      "UNKNOWN_FIELD",
      "choice.value.txt",
      "no field",
    ],
    [
      "a misspelt field of a well-known type",
      build({ timestamp: { secs: 1n } }),
      "UNKNOWN_FIELD",
      "timestamp.secs",
      "google.protobuf.Timestamp has no field",
    ],
    [
      "a key called __proto__",
      () => EverythingTask.build(JSON.parse('{"taskList":"l","__proto__":{"text":"x"}}')),
      "UNKNOWN_FIELD",
      "__proto__",
      "no field",
    ],
    [
      "a key called __proto__ at depth",
      build({ child: JSON.parse('{"__proto__":1}') }),
      "UNKNOWN_FIELD",
      "child.__proto__",
      "no field",
    ],
    ["a key called constructor", build({ constructor: 1 }), "UNKNOWN_FIELD", "constructor", "no field"],
    [
      "a member of a oneof by itself",
      build({ chosenText: "x" }),
      "UNKNOWN_FIELD",
      "chosenText",
      'it belongs to a oneof: choice: { case: "chosenText", value: … }',
    ],
    [
      "a oneof's case that it does not have",
      build({ choice: { case: "text", value: "" } }),
      "UNKNOWN_FIELD",
      "choice.case",
      'has no case "text"; it has chosenText, chosenInt64',
    ],
    field(
      "a oneof that is no object",
      { choice: "chosenText" },
      "choice",
      'expected { case, value }, got "chosenText"',
    ),
    field(
      "a oneof without its value",
      { choice: { case: "chosenText" } },
      "choice.value",
      "expected a string, got undefined",
    ),
    field(
      "a oneof with another case's value",
      { choice: { case: "chosenInt64", value: "x" } },
      "choice.value",
      'expected a bigint (64-bit integer), got "x"',
    ),

    field("a number for text", { text: 5 }, "text", "expected a string, got 5"),
    field("a lone surrogate", { text: lone }, "text", "it holds a lone surrogate"),
    field("text for a boolean", { bool: "true" }, "bool", 'expected a boolean, got "true"'),
    field("a string for bytes", { blob: "AQ==" }, "blob", 'expected a Uint8Array, got "AQ=="'),
    field("numbers for bytes", { blob: [1, 2] }, "blob", "expected a Uint8Array, got an array of 2"),
    field("text for a number", { double: "1.5" }, "double", 'expected a number, got "1.5"'),
    field("a bigint for a number", { double: 1n }, "double", "expected a number, got 1n"),
    field(
      "too much for a float",
      { float: 1e39 },
      "float",
      "expected a number that a 32-bit float can hold, got 1e+39",
    ),
    field("a bigint for a 32-bit integer", { int32: 1n }, "int32", "expected a 32-bit integer, got 1n"),
    field("a fraction for an integer", { int32: 1.5 }, "int32", "expected a 32-bit integer, got 1.5"),
    field("NaN for an integer", { sint32: Number.NaN }, "sint32", "expected a 32-bit integer, got NaN"),
    field("2^31 for an int32", { int32: 2 ** 31 }, "int32", "expected a 32-bit integer, got 2147483648"),
    field("-1 for a uint32", { uint32: -1 }, "uint32", "expected an unsigned 32-bit integer, got -1"),
    field("2^32 for a fixed32", { fixed32: 2 ** 32 }, "fixed32", "expected an unsigned 32-bit integer"),
    field(
      "2^63 for an int64",
      { int64: 2n ** 63n },
      "int64",
      "expected a bigint (64-bit integer), got 9223372036854775808n",
    ),
    field("-2^63-1 for an sfixed64", { sfixed64: -(2n ** 63n) - 1n }, "sfixed64", "expected a bigint (64-bit integer)"),
    field("-1 for a uint64", { uint64: -1n }, "uint64", "expected a bigint (unsigned 64-bit integer), got -1n"),
    field("2^64 for a fixed64", { fixed64: 2n ** 64n }, "fixed64", "expected a bigint (unsigned 64-bit integer)"),
    field("a fraction for an int64", { int64: 1.5 }, "int64", "expected a bigint (64-bit integer), got 1.5"),
    field(
      "infinity for an int64",
      { int64: Number.POSITIVE_INFINITY },
      "int64",
      "expected a bigint (64-bit integer), got Infinity",
    ),
    field(
      "a text that is no number for an int64",
      { longText: "12a" },
      "longText",
      'expected a bigint (64-bit integer), got "12a"',
    ),
    field(
      "a name for an enum's value",
      { color: "COLOR_RED" },
      "color",
      'expected kinds.Everything.Color, got "COLOR_RED"',
    ),
    field("2^31 for an enum's value", { colors: [1, 2 ** 31] }, "colors[1]", "expected kinds.Everything.Color"),
    field("an object for a list", { texts: { 0: "a" } }, "texts", "expected an array, got an object (Object)"),
    field("text for a list", { texts: "abc" }, "texts", 'expected an array, got "abc"'),
    field("a hole in a list", { texts: ["a", ...Array(1), "b"] }, "texts[1]", "expected a string, got undefined"),
    field("null in a list", { texts: [null] }, "texts[0]", "expected a string, got null"),
    field("a wrong element", { int32s: [1, 2, "3"] }, "int32s[2]", 'expected a 32-bit integer, got "3"'),
    field("an array for a map", { textByText: [["a", "b"]] }, "textByText", "expected an object, got an array of 1"),
    field("a Map for a map", { textByText: new Map() }, "textByText", "expected an object, got an object (Map)"),
    field("a wrong value of a map", { textByText: { "a b": 1 } }, 'textByText["a b"]', "expected a string, got 1"),
    field(
      "text for an integer key",
      { blobByInt32: { x: new Uint8Array() } },
      'blobByInt32["x"]',
      "expected a whole number for a key",
    ),
    field(
      "a fraction for an integer key",
      { doubleByInt64: { 1.5: 1 } },
      'doubleByInt64["1.5"]',
      "expected a whole number for a key",
    ),
    field(
      "2^31 for an int32 key",
      { blobByInt32: { 2147483648: new Uint8Array() } },
      'blobByInt32["2147483648"]',
      "expected a 32-bit integer",
    ),
    field(
      "-1 for a uint64 key",
      { int64ByUint64: { "-1": 1n } },
      'int64ByUint64["-1"]',
      "expected a bigint (unsigned 64-bit integer)",
    ),
    field("1 for a boolean key", { colorByBool: { 1: 1 } }, 'colorByBool["1"]', "expected true or false for a key"),
    field(
      "a lone surrogate for a key",
      { textByText: { [lone]: "" } },
      'textByText["\\ud800"]',
      "it holds a lone surrogate",
    ),
    field("text for a message", { child: "x" }, "child", 'expected kinds.Everything, got "x"'),
    field("an array for a message", { child: [] }, "child", "expected kinds.Everything, got an array of 0"),
    field("null for a message in a list", { children: [null] }, "children[0]", "expected kinds.Everything, got null"),
    field(
      "a message of another type",
      { child: create(FetchFileSchema) },
      "child",
      "expected kinds.Everything, got a message of type example.v1.FetchFile",
    ),
    field(
      "a Date for a Timestamp",
      { timestamp: new Date(0) },
      "timestamp",
      "expected google.protobuf.Timestamp, got a Date (1970-01-01T00:00:00.000Z)",
    ),
    field(
      "a message for a wrapper",
      { wrappedText: { value: "x" } },
      "wrappedText",
      "expected a string, got an object (Object)",
    ),
    field(
      "a wrapper's value of another kind",
      { wrappedInt64: "x" },
      "wrappedInt64",
      "expected a bigint (64-bit integer)",
    ),
    field("an array for a Struct", { struct: [1] }, "struct", "expected a JSON object, got an array of 1"),
    field(
      "undefined in a Struct",
      { struct: { a: { b: undefined } } },
      'struct["a"]["b"]',
      "expected a JSON value, got undefined",
    ),
    field("a bigint in a Struct", { struct: { a: [1, 1n] } }, 'struct["a"][1]', "expected a JSON value, got 1n"),
    field(
      "a Date in a Struct",
      { structByText: { x: { at: new Date(0) } } },
      'structByText["x"]["at"]',
      "expected a JSON value, got a Date",
    ),
    field(
      "a function in a Struct",
      { struct: { a: () => 1 } },
      'struct["a"]',
      "expected a JSON value, got a function (a)",
    ),
    field("a lone surrogate in a Struct", { struct: { a: lone } }, 'struct["a"]', "it holds a lone surrogate"),
    field("one in a Struct's key", { struct: { [lone]: 1 } }, 'struct["\\ud800"]', "the key holds a lone surrogate"),
    field("JSON for a Value", { value: "x" }, "value", 'expected google.protobuf.Value, got "x"'),
    [
      "an unknown value of a closed enum",
      () => LegacyTask.build({ ...key, name: "n", mode: 9 }),
      "INVALID_DATA",
      "mode",
      "kinds.legacy.Legacy.Mode has no value 9",
    ],

    field("data that holds itself", cyclic, deep(100), "it is nested deeper than 100 messages"),
    field(
      "a Struct that holds itself",
      { struct: cyclicStruct },
      `struct${'["list"][0]'.repeat(25)}`,
      "it is nested deeper than 100 messages",
    ),
    field(
      "data nested deeper than 100 messages",
      tooDeep((child) => ({ child })),
      deep(100),
      "it is nested deeper than 100 messages",
    ),
    field(
      "lists so deep",
      tooDeep((child) => ({ children: [child] })),
      Array(100).fill("children[0]").join("."),
      "it is nested deeper than 100 messages",
    ),

    [
      "no init",
      () => FetchFileTask.build(undefined as never),
      "INVALID_DATA",
      "data",
      "expected an object of fields, got undefined",
    ],
    ["null for an init", () => new FetchFileTask(null as never), "INVALID_DATA", "data", "got null"],
    ["an array for an init", () => FetchFileTask.build([] as never), "INVALID_DATA", "data", "got an array of 0"],
    [
      "a Map for an init",
      () => FetchFileTask.build(new Map([["taskList", "l"]]) as never),
      "INVALID_DATA",
      "data",
      "got an object (Map)",
    ],
    [
      "a task for an init",
      () => FetchFileTask.build(FetchFileTask.build(key)),
      "INVALID_DATA",
      "data",
      "use `new` with `data: task.data`",
    ],
    [
      "a data field beside `data`",
      () => new FetchFileTask({ ...key, filename: "f" } as never),
      "UNKNOWN_FIELD",
      "filename",
      "a field of the data goes under `data:`",
    ],
    [
      "a stray key of `new`",
      () => new FetchFileTask({ ...key, datta: {} } as never),
      "UNKNOWN_FIELD",
      "datta",
      "new example.v1.FetchFile takes taskList, id and data, not datta",
    ],
    [
      "null for `data`",
      () => new FetchFileTask({ ...key, data: null as never }),
      "INVALID_DATA",
      "data",
      "the data: expected example.v1.FetchFile, got null",
    ],
    ["text for `data`", () => new FetchFileTask({ ...key, data: "f" as never }), "INVALID_DATA", "data", 'got "f"'],
    [
      "another type's message for `data`",
      () => new SendMailTask({ ...key, data: create(FetchFileSchema) as never }),
      "INVALID_DATA",
      "data",
      "got a message of type example.v1.FetchFile",
    ],
    [
      "another type's message for an init",
      () => SendMailTask.build(create(FetchFileSchema) as never),
      "INVALID_DATA",
      "data",
      "got a message of type example.v1.FetchFile",
    ],
  ]);

  const changed = (data: object) => () => {
    const task = EverythingTask.build(key);
    Object.assign(task.data, data);
    return tasks.save(task);
  };
  describe("that was changed after the task was built", () => {
    testCases([
      ["a number for text", changed({ text: 5 }), "INVALID_DATA", "text", "expected a string, got 5"],
      ["undefined for text", changed({ text: undefined }), "INVALID_DATA", "text", "expected a string, got undefined"],
      ["null for text", changed({ text: null }), "INVALID_DATA", "text", "expected a string, got null"],
      ["null for a message", changed({ child: null }), "INVALID_DATA", "child", "expected kinds.Everything, got null"],
      [
        "undefined for a list",
        changed({ texts: undefined }),
        "INVALID_DATA",
        "texts",
        "expected an array, got undefined",
      ],
      ["an unknown field", changed({ txt: "x" }), "UNKNOWN_FIELD", "txt", "kinds.Everything has no field txt"],
      [
        "an init for a message",
        changed({ child: { text: "x" } }),
        "INVALID_DATA",
        "child",
        "expected a message (create)",
      ],
      [
        "itself",
        () => {
          const task = EverythingTask.build(key);
          task.data.child = task.data;
          return tasks.save(task);
        },
        "INVALID_DATA",
        deep(100),
        "nested deeper than 100 messages",
      ],
      [
        "more than the limit",
        changed({ text: "x".repeat(1024 * 1024) }),
        "TOO_LARGE",
        "data",
        "the limit is 1048576 (maxTaskBytes)",
      ],
    ]);
  });
});
