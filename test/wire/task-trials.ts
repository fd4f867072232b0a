import { create, toBinary } from "@bufbuild/protobuf";
import { isTaskError, Task } from "taskledger";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { LooseClass } from "../runtime/kinds.js";
import type { Subject } from "./codecs.js";
import { envelopeSubject } from "./envelope-subject.js";
import { isSame } from "./same.js";

/** Envelopes to read as tasks of the subject's type: around its bytes, or these bytes themselves. */
export function envelopesOf({ schema, codec }: Subject, bytes: Uint8Array): Uint8Array[] {
  if (codec === envelopeSubject.codec) return [bytes];
  const data = { typeUrl: `type.googleapis.com/${schema.typeName}`, value: bytes };
  return [toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { taskList: "list", id: "id", data }))];
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
