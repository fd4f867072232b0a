import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { isTaskError, Task } from "taskledger";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { Random } from "../../src/testing/random.js";
import type { LooseClass } from "../runtime/kinds.js";
import type { Subject } from "./codecs.js";
import { envelopeSubject } from "./envelope-subject.js";
import { isSame } from "./same.js";

/** Envelopes to read as tasks of the subject's type: around its bytes, or these bytes themselves. */
export function envelopesOf({ schema, codec }: Subject, bytes: Uint8Array, random: Random): Uint8Array[] {
  if (codec === envelopeSubject.codec) return [bytes];
  const type = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(`type.googleapis.com/${schema.typeName}`)
    .finish();
  const other = new BinaryWriter().tag(1, WireType.LengthDelimited).string("x/other.Type").finish();
  const value = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(bytes).finish();
  // Nearly always as everybody writes it.
  const order =
    random.below(5) > 0
      ? [type, value]
      : random.pick([
          [value, type],
          [type, value, other],
          [other, value, type],
          [type, value, value],
          [
            type,
            new Uint8Array(),
            value,
            new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(new Uint8Array()).finish(),
          ],
        ]);
  const envelope = toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { taskList: "list", id: "id" }));
  return [new BinaryWriter().raw(envelope).tag(3, WireType.LengthDelimited).bytes(Buffer.concat(order)).finish()];
}

/**
 * A class with a codec reads a task, and writes it again, as one without does; and nothing throws but TaskErrors. Throws
 * where that is not so.
 */
export function tryReadingTask(subject: Subject, bytes: Uint8Array): void {
  const [actual, expected] = classesOf(subject).map((taskClass) => readAndWrite(taskClass, bytes));
  if (!isSame(actual, expected)) throw Object.assign(new Error("not the same task"), { actual, expected });
}

function readAndWrite(taskClass: LooseClass, bytes: Uint8Array): unknown {
  try {
    const task = taskClass.fromBinary(bytes);
    return { data: task.data, envelope: { ...task.envelope }, bytes: task.toBinary() };
  } catch (error) {
    if (!isTaskError(error)) throw error;
    return { code: error.code, message: error.message, field: error.field };
  }
}

const classes = new Map<Subject, LooseClass[]>();

/** With the codec, and without. */
function classesOf(subject: Subject): LooseClass[] {
  let both = classes.get(subject);
  if (both === undefined) {
    both = [define(subject, { codec: subject.codec }), define(subject, {})];
    classes.set(subject, both);
  }
  return both;
}

function define({ schema }: Subject, members: object): LooseClass {
  class DefinedTask extends Task {
    static readonly schema = schema;
    static readonly type = schema.typeName;
  }
  return Object.assign(DefinedTask, members) as unknown as LooseClass;
}
