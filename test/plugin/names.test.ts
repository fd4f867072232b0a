import { describe, expect, test } from "vitest";
import { reservedTaskMembers } from "../../src/core/reserved.js";
import { Task } from "../../src/index.js";
import {
  type Generated,
  generate,
  generateClass,
  generateError,
  generateImports,
  only,
  type Source,
} from "./generate.js";

/** What the one generated file exports. */
function classNames(generated: Generated): string[] {
  return Array.from(only(generated).matchAll(/^export class (\S+)/gm), ([, name]) => name ?? "");
}

async function namesOf(source: Source): Promise<string[]> {
  return classNames(await generate(source));
}

describe("the class's name", () => {
  test("is the message's with Task behind it", async () => {
    expect(await namesOf("message FetchFile { option (taskledger.v1.task) = {}; }")).toEqual(["FetchFileTask"]);
  });

  test("starts with the parents' names where the message is nested", async () => {
    const source = `
      message FetchFile {
        option (taskledger.v1.task) = {};
        message Verify {
          option (taskledger.v1.task) = {};
          message Once { option (taskledger.v1.task) = {}; }
        }
      }`;
    expect(await namesOf(source)).toEqual(["FetchFileTask", "FetchFile_VerifyTask", "FetchFile_Verify_OnceTask"]);
  });

  test("is class_name where that is set", async () => {
    const source = `
      message FetchFile { option (taskledger.v1.task) = { class_name: "Download" }; }`;
    expect(await namesOf(source)).toEqual(["Download"]);
  });

  test.each(["Größe", "$", "_task", "Task$2"])("may be any identifier, as class_name: %j", async (name) => {
    const source = `message M { option (taskledger.v1.task) = { class_name: ${JSON.stringify(name)} }; }`;
    expect(await namesOf(source)).toEqual([name]);
  });

  test.each([
    ["2nd"],
    ["fetch-file"],
    ["Fetch File"],
    ["a.B"],
    ["class"],
    ["await"],
    ["any"],
    ["string"],
    ["x { } evil(); class y"],
  ])("cannot be %j", async (name) => {
    const source = `message M { option (taskledger.v1.task) = { class_name: ${JSON.stringify(name)} }; }`;
    expect(await generateError(source)).toBe(
      `example.proto:2:20: message example.v1.M: option (taskledger.v1.task).class_name = ${JSON.stringify(name)}:` +
        " a class cannot have this name; write an identifier that is not a reserved word, or remove class_name for" +
        ' the name "MTask"',
    );
  });

  test("must differ from that of every other class of the file", async () => {
    const source = `
      message Fetch {
        message File { option (taskledger.v1.task) = {}; }
      }
      message Fetch_File { option (taskledger.v1.task) = {}; }
      message Other { option (taskledger.v1.task) = { class_name: "Fetch_FileTask" }; }`;
    expect((await generateError(source)).split("\n")).toEqual([
      'example.proto:6:35: message example.v1.Fetch_File: the class would be named "Fetch_FileTask", like that of' +
        " message example.v1.Fetch.File in the same file; give one of them another name with" +
        " option (taskledger.v1.task).class_name",
      'example.proto:7:30: message example.v1.Other: the class would be named "Fetch_FileTask", like that of' +
        " message example.v1.Fetch.File in the same file; give one of them another name with" +
        " option (taskledger.v1.task).class_name",
    ]);
  });

  test("may be Task, which then is imported by another name", async () => {
    const source = `message M { option (taskledger.v1.task) = { class_name: "Task" }; }`;
    expect(await generateImports(source)).toContain('import { Task as Task$1 } from "taskledger";');
    expect(await generateClass(source)).toContain("export class Task extends Task$1<typeof MSchema> {");
  });

  test("may be that of a message, which then is imported by another name", async () => {
    const source = `
      message Fetch { option (taskledger.v1.task) = {}; string host = 1; }
      message FetchTask { option (taskledger.v1.task) = {}; string host = 1; }`;
    expect(await generateImports(source)).toEqual([
      'import { Task } from "taskledger";',
      'import type { Fetch, FetchTask as FetchTask$1 } from "./example_pb";',
      'import { FetchSchema, FetchTaskSchema } from "./example_pb";',
    ]);
    expect(await generateClass(source)).toContain('  get host(): FetchTask$1["host"] { return this.data.host; }');
  });

  test("goes with any name of a message", async () => {
    const source = `
      message Task { option (taskledger.v1.task) = {}; string host = 1; }
      message class { option (taskledger.v1.task) = {}; string host = 1; }`;
    expect(await generateImports(source)).toEqual([
      'import { Task } from "taskledger";',
      'import type { class$, Task as Task$1 } from "./example_pb";',
      'import { classSchema, TaskSchema } from "./example_pb";',
    ]);
    expect(await generateClass(source)).toEqual([
      "export class TaskTask extends Task<typeof TaskSchema> {",
      "  static readonly schema: typeof TaskSchema = TaskSchema;",
      '  static readonly type: "example.v1.Task" = "example.v1.Task";',
      '  override get type(): "example.v1.Task" { return TaskTask.type; }',
      '  get host(): Task$1["host"] { return this.data.host; }',
      "}",
      "export class classTask extends Task<typeof classSchema> {",
      "  static readonly schema: typeof classSchema = classSchema;",
      '  static readonly type: "example.v1.class" = "example.v1.class";',
      '  override get type(): "example.v1.class" { return classTask.type; }',
      '  get host(): class$["host"] { return this.data.host; }',
      "}",
    ]);
  });
});

describe("an accessor's name", () => {
  async function accessors(source: Source): Promise<string[]> {
    const lines = await generateClass(source);
    return lines.filter((line) => line.startsWith("  get ")).map((line) => line.trim());
  }

  test("is protobuf-es's", async () => {
    const source = `
      message M {
        option (taskledger.v1.task) = {};
        string external_host = 1;
        string class = 2;
        string to_string = 3;
        int32 ipv_4addr = 4;
      }`;
    expect(await accessors(source)).toEqual([
      'get externalHost(): M["externalHost"] { return this.data.externalHost; }',
      'get class(): M["class"] { return this.data.class; }',
      'get toString$(): M["toString$"] { return this.data.toString$; }',
      'get ipv4addr(): M["ipv4addr"] { return this.data.ipv4addr; }',
    ]);
  });

  test("has $ behind it where every task has such a member", async () => {
    const fields = reservedTaskMembers.map((name, i) => `string ${name} = ${i + 1};`);
    const source = `
      syntax = "proto2";
      import "taskledger/v1/options.proto";
      message M { option (taskledger.v1.task) = {}; ${fields.join(" ").replaceAll("string", "optional string")} }`;
    const own = (name: string) => (name === "toJSON" || name === "constructor" ? `${name}$` : name);
    expect(await accessors(source)).toEqual(
      reservedTaskMembers.map((name) => `get ${name}$(): M["${own(name)}"] { return this.data.${own(name)}; }`),
    );
  });

  test("cannot be that of a member of Task", () => {
    const members = Object.getOwnPropertyNames(Task.prototype);
    expect(members.filter((name) => !(reservedTaskMembers as readonly string[]).includes(name))).toEqual([]);
  });

  test("has $ behind it where every object has such a member", async () => {
    const source = `
      message M {
        option (taskledger.v1.task) = {};
        string has_own_property = 1;
        string is_prototype_of = 2;
        string property_is_enumerable = 3;
        string to_locale_string = 4;
      }`;
    expect(await accessors(source)).toEqual([
      'get hasOwnProperty$(): M["hasOwnProperty"] { return this.data.hasOwnProperty; }',
      'get isPrototypeOf$(): M["isPrototypeOf"] { return this.data.isPrototypeOf; }',
      'get propertyIsEnumerable$(): M["propertyIsEnumerable"] { return this.data.propertyIsEnumerable; }',
      'get toLocaleString$(): M["toLocaleString"] { return this.data.toLocaleString; }',
    ]);
  });

  test("has $ behind it where a oneof has such a name", async () => {
    const source = `message M { option (taskledger.v1.task) = {}; oneof data { string text = 1; bytes raw = 2; } }`;
    expect(await accessors(source)).toEqual(['get data$(): M["data"] { return this.data.data; }']);
  });

  test("must be one", async () => {
    const source = `message M { option (taskledger.v1.task) = {}; string _1st = 1; }`;
    expect(await generateError(source)).toBe(
      'example.proto:2:20: message example.v1.M: no property can be named after the field "_1st"; rename it',
    );
  });

  test("must differ from every other", async () => {
    const source = `
      message M {
        option (taskledger.v1.task) = {};
        string write_to = 1;
        oneof writeTo { string path = 2; }
      }`;
    expect(await generateError(source)).toBe(
      'example.proto:4:16: message example.v1.M: the field "write_to" and the oneof "writeTo" would both be the' +
        ' property "writeTo"; rename one of them',
    );
  });
});
