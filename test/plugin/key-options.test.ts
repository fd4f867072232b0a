import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { task as taskOption } from "../../gen/taskledger/v1/options_pb.js";
import { packageVersion } from "../../src/core/package-version.js";
import { generate, generateClass, generateError } from "./generate.js";
import { repository } from "./tools.js";

describe("list_field and id_field", () => {
  test("name a field as the .proto has it, and give its name on the message", async () => {
    const source = `
      message SendMail {
        option (taskledger.v1.task).list_field = "mail_box";
        option (taskledger.v1.task).id_field = "message_id";
        string mail_box = 1;
        string message_id = 2;
      }`;
    const lines = await generateClass(source);
    expect(lines).toContain('export class SendMailTask extends Task<typeof SendMailSchema, "mailBox"> {');
    expect(lines).toContain('  static readonly listField: "mailBox" = "mailBox";');
    expect(lines).toContain('  static readonly idField: "messageId" = "messageId";');
  });

  test("may name a field that can be absent", async () => {
    const source = `
      message SendMail {
        option (taskledger.v1.task) = { list_field: "mailbox" id_field: "message_id" };
        optional string mailbox = 1;
        optional string message_id = 2;
      }`;
    expect(await generateClass(source)).toContain('  static readonly idField: "messageId" = "messageId";');
  });

  test.each([
    ["int64 size = 1;", "size", 'the field is not a singular string: "int64 size = 1"'],
    ["repeated string tags = 1;", "tags", 'the field is not a singular string: "repeated string tags = 1"'],
    ["bytes key = 1;", "key", 'the field is not a singular string: "bytes key = 1"'],
    ["map<string, string> m = 1;", "m", 'the field is not a singular string: "map<string, string> m = 1"'],
    ["oneof by { string name = 1; }", "name", 'the field belongs to the oneof "by", of which another field may be set'],
    ["oneof by { string name = 1; }", "by", "there is no such field"],
    ["M next = 1;", "next.host", "there is no such field"],
  ])("cannot be, with %j, %j", async (field, name, reason) => {
    const source = `message M { option (taskledger.v1.task) = { id_field: "${name}" }; ${field} string host = 9; }`;
    expect(await generateError(source)).toBe(
      `example.proto:2:20: message example.v1.M: option (taskledger.v1.task).id_field = "${name}": ${reason};` +
        ' write the name of a string field of this message: "host"',
    );
  });

  test("must be written as the .proto has it", async () => {
    const source = `message M { option (taskledger.v1.task) = { list_field: "hostName" }; string host_name = 1; }`;
    expect(await generateError(source)).toBe(
      'example.proto:2:20: message example.v1.M: option (taskledger.v1.task).list_field = "hostName": there is no' +
        ' such field; write list_field: "host_name", the name that the field has in the .proto file',
    );
  });

  test("need a string field", async () => {
    const source = `message M { option (taskledger.v1.task) = { list_field: "host" }; }`;
    expect(await generateError(source)).toBe(
      'example.proto:2:20: message example.v1.M: option (taskledger.v1.task).list_field = "host": there is no' +
        " such field; the message has no string field: add one, or remove list_field and give the task its key in" +
        " the program",
    );
  });

  test("must differ", async () => {
    const source = `
      message M { option (taskledger.v1.task) = { list_field: "host" id_field: "host" }; string host = 1; }`;
    expect(await generateError(source)).toBe(
      'example.proto:3:26: message example.v1.M: option (taskledger.v1.task).id_field = "host": the field is already' +
        " the list_field, and ids must differ within a list; name another field, or remove id_field",
    );
  });

  test("are checked in every message before the plugin fails", async () => {
    const source = `
      message A { option (taskledger.v1.task) = { list_field: "x" id_field: "y" }; }
      message B { message C { option (taskledger.v1.task) = { list_field: "x" }; } }`;
    expect((await generateError(source)).split("\n").map((line) => line.split(":", 5).slice(0, 4).join(":"))).toEqual([
      "example.proto:3:26: message example.v1.A",
      "example.proto:3:26: message example.v1.A",
      "example.proto:4:38: message example.v1.B.C",
    ]);
  });
});

describe("the task option", () => {
  test("of a later version, with settings that this one does not know, is refused", async () => {
    const options = await readFile(join(repository, "proto/taskledger/v1/options.proto"), "utf8");
    const source = {
      "taskledger/v1/options.proto": options.replace("string class_name = 3;", "$& string queue = 99;"),
      "example.proto": `
        syntax = "proto3";
        package example.v1;
        import "taskledger/v1/options.proto";
        message M { option (taskledger.v1.task) = { queue: "slow" }; }`,
    };
    expect(await generateError(source)).toBe(
      "example.proto:5:28: message example.v1.M: option (taskledger.v1.task) sets field number 99, which is not known" +
        ` to protoc-gen-taskledger ${packageVersion}; install the version of taskledger that your` +
        " taskledger/v1/options.proto comes from",
    );
  });

  test("is told from another option that has the same number", async () => {
    const source = `
      syntax = "proto3";
      package example.v1;
      import "google/protobuf/descriptor.proto";
      extend google.protobuf.MessageOptions { string label = ${taskOption.number}; }
      message M { option (label) = "not ours"; }`;
    expect((await generate(source)).files).toEqual({});
  });
});

describe("a message that is not marked", () => {
  test("gets no class, and its file no module", async () => {
    const { files } = await generate({
      "a.proto": `syntax = "proto3"; package a; message A {}`,
      "b.proto": `syntax = "proto3"; package b; import "taskledger/v1/options.proto";
        message B1 {}
        message B2 { option (taskledger.v1.task) = {}; }`,
    });
    expect(Object.keys(files)).toEqual(["b_task.ts", "b_codec.ts"]);
    expect(files["b_task.ts"]).not.toContain("B1");
    expect(files["b_codec.ts"]).not.toContain("B1");
  });
});
