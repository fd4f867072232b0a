import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { DataInterface, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import type { FetchFile } from "../../gen/example/v1/fetch_file_pb.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { SendMail } from "../../gen/example/v1/send_mail_pb.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { key, messages, text, unknownFields } from "../runtime/arbitrary.js";

export const types = [FetchFileTask, SendMailTask];
export const tasks = new DataInterface({ types, adapter: new MemoryAdapter() });

const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
const laterSeconds = fc.bigInt({ min: 0n, max: 253_402_300_799n });
const micros = fc.integer({ min: 0, max: 999_999 }).map((each) => each * 1000);
const nanos = fc.oneof({ arbitrary: micros, weight: 3 }, fc.integer({ min: 0, max: 999_999_999 }));
const absent = fc.constant(undefined);

const typeName = fc.constantFrom("example.v1.FetchFile", "example.v1.SendMail", "nobody.Knows");
const typeUrl = fc.oneof(
  { arbitrary: typeName.map((name) => `type.googleapis.com/${name}`), weight: 5 },
  fc.tuple(text, typeName).map(([prefix, name]) => `${prefix}/${name}`),
  typeName.map((name) => `${"long".repeat(300)}/${name}`),
);
const data = fc.oneof(
  messages<FetchFile>(FetchFileTask.schema).map((message) => toBinary(FetchFileTask.schema, message)),
  messages<SendMail>(SendMailTask.schema).map((message) => toBinary(SendMailTask.schema, message)),
  fc.uint8Array({ maxLength: 6 }),
);
const headers = fc.oneof(
  { arbitrary: fc.constant({}), weight: 3 },
  fc.constant({ tenant: "acme" }),
  fc.dictionary(text, text),
);

/** Of few lists, so that some tasks share one, with what any sender may have put into them. */
export const envelope: fc.Arbitrary<Uint8Array> = fc
  .record({
    taskList: fc.oneof(fc.constantFrom("list", "a".repeat(512)), key),
    id: fc.oneof(
      key,
      fc.uuid(),
      fc.uuid().map((uuid) => uuid.toUpperCase()),
    ),
    data: fc.record({ typeUrl, value: data }),
    createdAt: fc.oneof(absent, fc.record({ seconds, nanos })),
    savedAt: fc.oneof(absent, fc.record({ seconds: laterSeconds, nanos: micros.map((each) => each || 1000) })),
    attempt: fc.constantFrom(0, 0, 1, 0xffff_ffff),
    headers,
    $unknown: fc.oneof({ arbitrary: absent, weight: 3 }, unknownFields(TaskEnvelopeSchema)),
  })
  .map(({ $unknown, createdAt, savedAt, ...init }) => {
    const message = create(TaskEnvelopeSchema, {
      ...init,
      ...(createdAt && { createdAt }),
      ...(savedAt && { savedAt }),
    });
    return toBinary(TaskEnvelopeSchema, $unknown ? Object.assign(message, { $unknown }) : message);
  });

/** Tasks as they are read: of their classes, or opaque. */
export const mixedTasks: fc.Arbitrary<Task[]> = fc
  .array(envelope, { maxLength: 12, size: "max" })
  .map((envelopes) => envelopes.map((bytes) => tasks.fromBinary(bytes)));

/** Files to fetch of one list, with ids as they are made by default. */
export function filesToFetch(count: number, init: { filename?: string } = {}): FetchFileTask[] {
  return Array.from({ length: count }, (_, i) =>
    FetchFileTask.build({ taskList: "datto.com", externalHost: "datto.com", filename: `file${i}.txt`, ...init }),
  );
}

/** All that can be told of tasks: their bytes and what reads them. */
export function described(all: Iterable<Task>): string[] {
  return Array.from(all, (task) => `${task.constructor.name} ${Buffer.from(task.toBinary()).toString("base64")}`);
}
