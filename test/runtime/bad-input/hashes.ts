import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { type Case, key, lone, tasks, testCases } from "./setup.js";

describe("a hash", () => {
  const hash = (data: object, more: object = {}) => ({
    ...key,
    data: { "@type": "x/kinds.Everything", ...data },
    ...more,
  });
  const read = (value: unknown, options?: object) => () => tasks.fromHash(value, options);
  const sealed = (fields: object) => ({ ...key, data: { "@type": "x/taskledger.v1.SealedData", ...fields } });
  // biome-ignore lint/suspicious/noExplicitAny: it holds itself
  const cyclic: any = hash({});
  cyclic.data.child = { children: [{}, cyclic.data.child] };
  cyclic.data.child.children[1] = cyclic.data.child;
  // biome-ignore lint/suspicious/noExplicitAny: it holds itself
  const cyclicStruct: any = {};
  cyclicStruct.a = [cyclicStruct];
  const noField = (name: string) => `${name} has no such field; { ignoreUnknownFields: true } passes over it`;
  const refused = (what: string, data: object, path: string, message: string): Case => [
    what,
    read(hash(data)),
    "INVALID_HASH",
    path,
    message,
  ];

  testCases([
    ["that is text", read('{"taskList":"l"}'), "INVALID_HASH", undefined, "expected the plain object of a task, got "],
    ["that is an array", read([]), "INVALID_HASH", undefined, "expected the plain object of a task, got an array of 0"],
    ["that is null", read(null), "INVALID_HASH", undefined, "got null"],
    ["that is undefined", read(undefined), "INVALID_HASH", undefined, "got undefined"],
    [
      "that is a Map",
      read(new Map([["data", {}]])),
      "INVALID_HASH",
      undefined,
      "expected the plain object of a task, got an object (Map)",
    ],
    ["that is bytes", read(new Uint8Array(3)), "INVALID_HASH", undefined, "got 3 bytes"],
    [
      "whose data is inherited",
      read(Object.create(hash({}))),
      "INVALID_HASH",
      'data["@type"]',
      "must name the type of the data",
    ],
    ["without data", read(key), "INVALID_HASH", 'data["@type"]', "must name the type of the data"],
    [
      "with an array for data",
      read({ ...key, data: [] }),
      "INVALID_HASH",
      'data["@type"]',
      "must name the type of the data",
    ],
    ["without a type", read({ ...key, data: { text: "x" } }), "INVALID_HASH", 'data["@type"]', "got undefined"],
    ["with a number for a type", read({ ...key, data: { "@type": 5 } }), "INVALID_HASH", 'data["@type"]', "got 5"],
    [
      "with a prefix for a type",
      read({ ...key, data: { "@type": "x/" } }),
      "INVALID_HASH",
      'data["@type"]',
      'got "x/"',
    ],
    [
      "of an unknown type",
      read({ ...key, data: { "@type": "x/nobody.Knows", a: 1 } }),
      "UNKNOWN_TYPE",
      'data["@type"]',
      "nobody.Knows is not among the types known here",
    ],
    [
      "of another type",
      () => FetchFileTask.fromHash(hash({})),
      "TYPE_MISMATCH",
      "data",
      "the hash is of type kinds.Everything, not example.v1.FetchFile",
    ],
    [
      "without a list",
      read(hash({}, { taskList: undefined })),
      "INVALID_HASH",
      "taskList",
      "expected string, got undefined",
    ],
    ["with an empty list", read(hash({}, { taskList: "" })), "INVALID_HASH", "taskList", "it is empty"],
    ["with a number for an id", read(hash({}, { id: 5 })), "INVALID_HASH", "id", "expected string, got 5"],
    ["with a NUL in its id", read(hash({}, { id: "a\0" })), "INVALID_HASH", "id", "it holds a NUL"],
    [
      "with a list of 513 bytes",
      read(hash({}, { taskList: "a".repeat(513) })),
      "INVALID_HASH",
      "taskList",
      "it has 513 bytes",
    ],
    [
      "with an unknown key",
      read(hash({}, { priority: 1 })),
      "INVALID_HASH",
      "priority",
      noField("taskledger.v1.TaskEnvelope"),
    ],
    [
      "with a key called __proto__",
      read(JSON.parse(JSON.stringify(hash({})).replace("{", '{"__proto__":1,'))),
      "INVALID_HASH",
      "__proto__",
      "no such field",
    ],
    [
      "with one in its data",
      read(hash(JSON.parse('{"__proto__":{"text":"x"}}'))),
      "INVALID_HASH",
      "data.__proto__",
      "no such field",
    ],
    [
      "with a header that is a number",
      read(hash({}, { headers: { a: "b", n: 1 } })),
      "INVALID_HASH",
      'headers["n"]',
      "expected string, got 1",
    ],
    ["with headers in a list", read(hash({}, { headers: ["a"] })), "INVALID_HASH", "headers", "expected object"],
    ["of attempt -1", read(hash({}, { attempt: -1 })), "INVALID_HASH", "attempt", "-1 out of range"],
    ["of attempt 2^32", read(hash({}, { attempt: 2 ** 32 })), "INVALID_HASH", "attempt", "4294967296 out of range"],
    [
      "created yesterday",
      read(hash({}, { createdAt: "yesterday" })),
      "INVALID_HASH",
      "createdAt",
      "invalid RFC 3339 string",
    ],
    ["created at a number", read(hash({}, { createdAt: 1_700_000_000 })), "INVALID_HASH", "createdAt", "1700000000"],
    [
      "saved between two microseconds",
      read(hash({}, { savedAt: "2026-01-01T00:00:00.123456789Z" })),
      "INVALID_HASH",
      "savedAt",
      "not a whole number of microseconds",
    ],
    [
      "saved in the year 10000",
      read(hash({}, { savedAt: "10000-01-01T00:00:00Z" })),
      "INVALID_HASH",
      "savedAt",
      "invalid RFC 3339 string",
    ],
    [
      "saved in 1969",
      read(hash({}, { savedAt: "1969-12-31T23:59:59Z" })),
      "INVALID_HASH",
      "savedAt",
      "between 1970 and 9999",
    ],

    refused(
      "with an unknown key at depth",
      { children: [{}, { child: { txt: 1 } }] },
      "data.children[1].child.txt",
      noField("kinds.Everything"),
    ),
    refused(
      "with one in a map",
      { childByText: { "a b": { txt: 1 } } },
      'data.childByText["a b"].txt',
      "no such field",
    ),
    refused(
      "with one in an Any",
      { any: { "@type": "x/kinds.Everything", child: { txt: 1 } } },
      "data.any.child.txt",
      "no such field",
    ),
    refused("with one that is no name", { "a-b": 1 }, 'data["a-b"]', "no such field"),
    refused("with a number for text", { text: 5 }, "data.text", "expected string, got 5"),
    refused("with undefined for text", { text: undefined }, "data.text", "expected string, got undefined"),
    refused("with a function", { text: () => "x" }, "data.text", "expected string, got a function (text)"),
    refused("with a lone surrogate", { text: lone }, "data.text", "invalid UTF8"),
    refused("with text for a boolean", { bool: "true" }, "data.bool", 'expected boolean, got "true"'),
    refused("with broken base64", { blobs: ["", "AQ==", "!"] }, "data.blobs[2]", "invalid base64 string"),
    refused("with null in a list", { texts: ["a", null] }, "data.texts[1]", "list item must not be null"),
    refused("with text for a list", { texts: "a" }, "data.texts", "expected Array"),
    refused("with 1e10 for an int32", { child: { int32: 1e10 } }, "data.child.int32", "10000000000 out of range"),
    refused(
      "with 2^63 for an int64",
      { int64: "9223372036854775808" },
      "data.int64",
      "9223372036854775808 out of range",
    ),
    refused("with a fraction for an int64", { int64: 1.5 }, "data.int64", "1.5 out of range"),
    refused("with -1 for a uint64", { uint64s: ["1", "-1"] }, "data.uint64s[1]", "-1 out of range"),
    refused("with 1e39 for a float", { float: 1e39 }, "data.float", "out of range"),
    refused("with 1e400 for a double", { double: Number.POSITIVE_INFINITY }, "data.double", "infinite"),
    refused("with an unknown name of an enum", { color: "COLOR_GREEN" }, "data.color", '"COLOR_GREEN"'),
    refused("with a wrong key of a map", { blobByInt32: { x: "" } }, 'data.blobByInt32["x"]', "invalid map key"),
    refused("with a wrong value of a map", { textByText: { a: 1 } }, 'data.textByText["a"]', "expected string, got 1"),
    refused(
      "with two cases of a oneof",
      { chosenText: "a", chosenInt64: "1" },
      "data.chosenInt64",
      "oneof set multiple times by chosen_text and chosen_int64",
    ),
    refused(
      "with a field by both its names",
      { optionalText: "a", optional_text: "b" },
      "data.optional_text",
      "set multiple times",
    ),
    refused(
      "with a wrong Timestamp",
      { timestamp: "2026-13-01T00:00:00Z" },
      "data.timestamp",
      "invalid RFC 3339 string",
    ),
    refused("with a wrong Duration", { duration: "5" }, "data.duration", '"5"'),
    refused(
      "with an Any of an unknown type",
      { any: { "@type": "x/nobody.Knows" } },
      'data.any["@type"]',
      "nobody.Knows is not in the type registry",
    ),
    refused(
      "with a wrong value in an Any",
      { any: { "@type": "x/kinds.Everything", int32: "a" } },
      "data.any.int32",
      'got "a"',
    ),
    refused(
      "with a wrong well-known type in an Any",
      { any: { "@type": "x/google.protobuf.Duration", value: "5" } },
      "data.any.value",
      '"5"',
    ),
    refused("with a bigint in a Struct", { struct: { a: [1, 1n] } }, 'data.struct["a"][1]', "google.protobuf.Value"),
    refused(
      "with a Struct that holds itself",
      { struct: cyclicStruct },
      `data.struct${'["a"][0]'.repeat(25)}`,
      "it is nested deeper than 100 messages",
    ),
    [
      "that holds itself",
      read(cyclic),
      "INVALID_HASH",
      `data.child${".children[1]".repeat(98)}.children[0]`,
      "it is nested deeper than 100 messages",
    ],

    ["sealed without a type", read(sealed({ value: "AQ==" })), "INVALID_HASH", "data", "data does not name a type"],
    [
      "sealed in broken base64",
      read(sealed({ typeUrl: "x/t", value: "!" })),
      "INVALID_HASH",
      "data.value",
      "invalid base64 string",
    ],
    [
      "sealed with an unknown key",
      read(sealed({ typeUrl: "x/t", bytes: "" })),
      "INVALID_HASH",
      "data.bytes",
      noField("taskledger.v1.SealedData"),
    ],
    [
      "sealed, of another type",
      () => FetchFileTask.fromHash(sealed({ typeUrl: "x/example.v1.SendMail" })),
      "TYPE_MISMATCH",
      "data",
      "the task is of type example.v1.SendMail",
    ],
    [
      "sealed, whose data does not decode",
      () => FetchFileTask.fromHash(sealed({ typeUrl: "x/example.v1.FetchFile", value: "Cgk=" })),
      "INVALID_DATA",
      "data",
      "does not decode",
    ],
    [
      "with a wrong value, though unknown fields are ignored",
      read(hash({ txt: 1, child: { txt: 1, int32: "a" } }), { ignoreUnknownFields: true }),
      "INVALID_HASH",
      "data.child.int32",
      'got "a"',
    ],
  ]);

  test("with unknown keys at any depth is read where they are ignored", () => {
    const odd = hash({ text: "x", txt: 1, children: [{ txt: 1 }], color: "COLOR_GREEN" }, { priority: 1 });
    const task = tasks.fromHash(odd, { ignoreUnknownFields: true });
    expect(task.data).toMatchObject({ text: "x", children: [{}], color: 0 });
  });
});
