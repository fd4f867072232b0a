import { create, type DescExtension, fromBinary, type Message, setExtension, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { DataInterface, isTaskError, type Task, toBatch } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileSchema } from "../../../gen/example/v1/fetch_file_pb.js";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailSchema } from "../../../gen/example/v1/send_mail_pb.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { messages } from "../arbitrary.js";
import { EverythingTask, files, LegacyTask, type LooseTask } from "../kinds.js";
import { type Case, key, tasks, testCases } from "./setup.js";

// What JSON may hold and a message would: `$typeName` and `$unknown`. JSON can say what protobuf-es would have made, which
// does no harm; it can't bring unknown fields along, and can't leave out what a message has.

const viaJson = (value: unknown) => JSON.parse(JSON.stringify(value));

describe("data out of JSON", () => {
  const build = (data: object) => () => EverythingTask.build({ ...key, ...viaJson(data) });
  const make = (data: object) => () => new EverythingTask({ ...key, data: viaJson(data) });
  const bomb = [{ no: 900, wireType: 2, data: { length: 300_000_000 } }];
  const typeName = "kinds.Everything";
  const whole = viaJson(create(FetchFileSchema, { filename: "f" }));
  const refused = (what: string, data: object, field: string, message: string): Case[] => {
    const code = field.endsWith("$unknown") && !("$typeName" in data) ? "UNKNOWN_FIELD" : "INVALID_DATA";
    return [
      [`build: ${what}`, build(data), code, field, message],
      [`new: ${what}`, make(data), code, field, message],
    ];
  };

  testCases([
    ...refused("unknown fields", { $unknown: bomb }, "$unknown", "kinds.Everything has no field $unknown"),
    ...refused(
      "unknown fields at depth",
      { children: [{}, { child: { $unknown: bomb } }] },
      "children[1].child.$unknown",
      "no field",
    ),
    ...refused(
      "unknown fields in a map",
      { childByText: { a: { $unknown: [] } } },
      'childByText["a"].$unknown',
      "no field",
    ),
    ...refused(
      "unknown fields in a oneof",
      { choice: { case: "chosenChild", value: { $unknown: bomb } } },
      "choice.value.$unknown",
      "no field",
    ),
    ...refused(
      "unknown fields of a well-known type",
      { timestamp: { $unknown: bomb } },
      "timestamp.$unknown",
      "no field",
    ),
    [
      "unknown fields of a message that is whole",
      () => new FetchFileTask({ ...key, data: { ...whole, $unknown: bomb } }),
      "INVALID_DATA",
      "$unknown[0].data",
      "expected a Uint8Array, got an object (Object)",
    ],
    [
      "build: the name of its type beside the task's own keys",
      () => FetchFileTask.build({ ...key, ...whole }),
      "UNKNOWN_FIELD",
      "taskList",
      "example.v1.FetchFile has no field taskList",
    ],
    [
      "new: the name of its type",
      make({ $typeName: typeName }),
      "INVALID_DATA",
      "double",
      "expected a number, got undefined",
    ],
    [
      "new: another type's name",
      make({ $typeName: "kinds.Nothing" }),
      "INVALID_DATA",
      "data",
      "a message of type kinds.Nothing",
    ],
    ["new: a number for its type's name", make({ $typeName: 5 }), "UNKNOWN_FIELD", "$typeName", "no field $typeName"],
    ["new: null for its type's name", make({ $typeName: null }), "UNKNOWN_FIELD", "$typeName", "no field $typeName"],
    [
      "build: a type's name at depth",
      build({ child: { $typeName: typeName } }),
      "INVALID_DATA",
      "child.double",
      "got undefined",
    ],
    [
      "build: a type's name at depth, of something whole that has an init in it",
      () => {
        const child = { ...create(EverythingTask.schema), child: { text: "x" } };
        return EverythingTask.build({ ...key, child });
      },
      "INVALID_DATA",
      "child.child",
      "expected a message (create), got a plain object",
    ],
  ]);

  test("that a message would be is taken for one", () => {
    const made = [whole, create(FetchFileSchema, { filename: "f" })].map((data) => new FetchFileTask({ ...key, data }));
    expect(made[0]?.data).toEqual(made[1]?.data);
    expect(SendMailTask.build(viaJson(create(SendMailSchema, { mailbox: "l" }))).taskList).toBe("l");
  });

  test("may have such keys where they are keys of a map or a Struct", () => {
    const data = {
      textByText: { $typeName: "kinds.Everything", $unknown: "x" },
      struct: { $typeName: "x", $unknown: [1] },
    };
    const task = EverythingTask.build({ ...key, ...viaJson(data) });
    expect(EverythingTask.fromBinary(task.toBinary()).data).toMatchObject(data);
    expect(EverythingTask.fromHash(viaJson(task)).data).toMatchObject(data);
  });

  test("never costs more than its size, whatever it says of itself", () => {
    const keys = fc.constantFrom(
      "$typeName",
      "$unknown",
      "no",
      "wireType",
      "data",
      "length",
      "child",
      "children",
      "text",
      "struct",
      "any",
    );
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(typeName, "google.protobuf.Any", 2, 900, 3e8, null, "x"),
        fc.array(tie("value"), { maxLength: 2 }),
        tie("object"),
      ),
      object: fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
    })).object;
    fc.assert(
      fc.property(values, (data) => {
        try {
          const bytes = (make(data as object)() as LooseTask).toBinary();
          expect(bytes.length).toBeLessThan(10_000);
        } catch (error) {
          if (!isTaskError(error)) throw error;
          expect(["INVALID_DATA", "UNKNOWN_FIELD"]).toContain(error.code);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a message's unknown fields", () => {
  const withUnknownBeing = (value: unknown) => () => {
    const task = EverythingTask.build(key);
    task.data.$unknown = value;
    return task.toBinary();
  };
  const withUnknown = (field: unknown) => withUnknownBeing([field]);
  const text = new BinaryWriter().string("injected").finish();
  testCases([
    [
      "that are fields of the schema",
      withUnknown({ no: 14, wireType: 2, data: text }),
      "INVALID_DATA",
      "$unknown[0]",
      "it is no unknown field of kinds.Everything",
    ],
    ["that are no list", withUnknownBeing({}), "INVALID_DATA", "$unknown", "expected an array"],
    ["that are numbers", withUnknown(5), "INVALID_DATA", "$unknown[0]", "expected { no, wireType, data }, got 5"],
    [
      "of no bytes",
      withUnknown({ no: 900, wireType: 2, data: { length: 3e8 } }),
      "INVALID_DATA",
      "$unknown[0].data",
      "got an object",
    ],
    [
      "of bytes that do not hold them",
      withUnknown({ no: 900, wireType: 2, data: Uint8Array.of(9) }),
      "INVALID_DATA",
      "$unknown[0]",
      "no unknown field",
    ],
    [
      "of two fields in one",
      withUnknown({ no: 900, wireType: 0, data: Uint8Array.of(1, 8, 1) }),
      "INVALID_DATA",
      "$unknown[0]",
      "no unknown field",
    ],
    [
      "of number 0",
      withUnknown({ no: 0, wireType: 0, data: Uint8Array.of(1) }),
      "INVALID_DATA",
      "$unknown[0].no",
      "got 0",
    ],
    [
      "of a wire type that there is not",
      withUnknown({ no: 900, wireType: 7, data: Uint8Array.of(1) }),
      "INVALID_DATA",
      "$unknown[0].wireType",
      "got 7",
    ],
  ]);

  test("can't take the place of the field that supplies the list", () => {
    const data = create(SendMailSchema, { mailbox: "mine" });
    Object.assign(data, { $unknown: [{ no: 1, wireType: 2, data: text }] });
    expect(() => new SendMailTask({ data })).toThrow("it is no unknown field of example.v1.SendMail");
  });

  test("are kept where protobuf-es has put them", () => {
    fc.assert(
      fc.property(messages(EverythingTask.schema, { depth: 1 }), (data: Message) => {
        const task = new EverythingTask({ ...key, data });
        expect(toBinary(EverythingTask.schema, EverythingTask.fromBinary(task.toBinary()).data)).toEqual(
          toBinary(EverythingTask.schema, fromBinary(EverythingTask.schema, toBinary(EverythingTask.schema, data))),
        );
      }),
    );
  });

  test.each([
    ["an extension", () => withNote(create(LegacyTask.schema, { name: "n" } as never))],
    ["a value that a closed enum does not know", () => fromBinary(LegacyTask.schema, Uint8Array.of(10, 1, 65, 24, 9))],
  ])("may be %s", (_, make: () => Message) => {
    const data = make();
    expect(data.$unknown).toHaveLength(1);
    expect(LegacyTask.fromBinary(new LegacyTask({ ...key, data }).toBinary()).data).toEqual(data);
  });

  function withNote(message: Message): Message {
    setExtension(message, files.getExtension("kinds.legacy.note") as DescExtension, "note");
    return message;
  }
});

describe("an opaque task", () => {
  const opaqueWith = (value: unknown) => {
    const task = new DataInterface({ types: [], adapter: new MemoryAdapter() }).fromBinary(
      FetchFileTask.build(key).toBinary(),
    );
    Object.assign(task.data, { value });
    return task;
  };
  const ways: Record<string, (task: Task) => unknown> = {
    toBinary: (task) => task.toBinary(),
    asHash: (task) => task.asHash(),
    save: (task) => tasks.save(task),
    toBatch: (task) => toBatch([task]),
  };
  testCases(
    Object.entries(ways).map(([name, act]) => [
      `whose bytes were replaced by what only says how many they are: ${name}`,
      () => act(opaqueWith({ length: 3e8 })),
      "INVALID_DATA",
      "value",
      "expected a Uint8Array, got an object (Object)",
    ]),
  );
});
