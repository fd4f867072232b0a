import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { DataInterface, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { envelopeOf } from "../runtime/envelopes.js";
import { failureOf } from "../runtime/failure.js";

const tasks = new DataInterface({ types: [FetchFileTask, SendMailTask], adapter: new MemoryAdapter() });

const key = { taskList: "list", id: "id" };

/** A field of an Any, or of an envelope. */
const field = (no: number, bytes: Uint8Array) =>
  new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(bytes).finish();
const url = (type: string) => field(1, Buffer.from(`type.googleapis.com/${type}`));

function envelopeWith(...parts: Uint8Array[]): Uint8Array {
  const keys = [field(1, Buffer.from(key.taskList)), field(2, Buffer.from(key.id))];
  return Buffer.concat([...keys, field(3, Buffer.concat(parts))]);
}

describe("a task's data", () => {
  const value = toBinary(FetchFileTask.schema, create(FetchFileTask.schema, { externalHost: "a", filename: "b" }));

  test("is of the type that the envelope names last, wherever it stands", () => {
    const last = tasks.fromBinary(
      envelopeWith(url("example.v1.FetchFile"), field(2, value), url("example.v1.SendMail")),
    );
    expect(last).toBeInstanceOf(SendMailTask);
    expect(last.data).toMatchObject({ $typeName: "example.v1.SendMail", mailbox: "a", messageId: "b" });
    const first = tasks.fromBinary(envelopeWith(field(2, value), url("example.v1.FetchFile")));
    expect(first).toMatchObject({ externalHost: "a", filename: "b" });
  });

  test("is the last that the envelope holds", () => {
    const empty = field(2, new Uint8Array());
    const read = tasks.fromBinary(envelopeWith(url("example.v1.FetchFile"), field(2, value), empty)) as FetchFileTask;
    expect(read.data).toEqual(create(FetchFileTask.schema));
  });

  test("that its codec leaves to protobuf-es comes with its unknown fields, and goes on with them", () => {
    const unknown = new BinaryWriter().tag(99, WireType.Varint).uint32(5).finish();
    const bytes = envelopeOf("example.v1.FetchFile", Buffer.concat([value, unknown]));
    const task = FetchFileTask.fromBinary(bytes);
    expect(task.data).toMatchObject({ filename: "b", $unknown: [{ no: 99 }] });
    expect(task.toBinary()).toEqual(bytes);
  });

  test("may be changed after it was read, and is refused where that was wrong, with the field", async () => {
    const task = FetchFileTask.fromBinary(envelopeOf("example.v1.FetchFile", value));
    task.data.filename = "c";
    expect(FetchFileTask.fromBinary(task.toBinary()).filename).toBe("c");
    Object.assign(task.data, { filename: 5 });
    expect(await failureOf(() => task.toBinary())).toMatchObject({ ...key, code: "INVALID_DATA", field: "filename" });
    Object.assign(task.data, { filename: "c", colour: "red" });
    expect(await failureOf(() => task.toBinary())).toMatchObject({ ...key, code: "UNKNOWN_FIELD", field: "colour" });
  });
});

test("a class without a codec does the same", () => {
  class Plain extends FetchFileTask {
    static override readonly codec = undefined as never;
  }
  const init = { ...key, externalHost: "a", filename: "ü".repeat(300), size: -1n };
  const options = { headers: { a: "b" }, createdAt: new Date(1_700_000_000_123) };
  const [fast, slow] = [FetchFileTask.build(init, options), Plain.build(init, options)];
  expect(fast.toBinary()).toEqual(slow.toBinary());
  const seen = ({ taskList, id, data, envelope }: Task) => ({ taskList, id, data, envelope });
  expect(seen(FetchFileTask.fromBinary(slow.toBinary()))).toEqual(seen(Plain.fromBinary(fast.toBinary())));
});
