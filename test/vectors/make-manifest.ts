import { fromBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { CompositeTask, DataInterface, OpaqueTask, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { batchCases } from "./batches.js";
import { binaries } from "./envelopes.js";
import { hashCases } from "./hashes.js";
import type { EnvelopeCase, EnvelopeFields, Manifest } from "./manifest.js";
import { placementCases } from "./placements.js";
import { refusedCases } from "./refused.js";
import { saveCases, storedCases } from "./saves.js";
import { streamCases } from "./streams.js";

/** Knows the types of the manifest. */
export function knowingInterface(): DataInterface {
  return new DataInterface({
    types: [FetchFileTask, SendMailTask, EveryKindTask, CompositeTask],
    adapter: new MemoryAdapter(),
  });
}

/** The manifest as this version of the package makes it. */
export function makeManifest(): Manifest {
  const tasks = knowingInterface();
  return {
    about: "Made by `npm run vectors`; docs/protocol.md says what it means, test/vectors/manifest.ts what is in it.",
    types: tasks.types.map(({ type }) => type),
    envelopes: Object.entries(binaries).map(([name, bytes]) => envelopeCase(name, bytes, tasks.fromBinary(bytes))),
    hashes: hashCases,
    refused: refusedCases,
    streams: streamCases,
    batches: batchCases,
    saves: saveCases,
    stored: storedCases,
    placements: placementCases,
  };
}

function envelopeCase(name: string, bytes: Uint8Array, task: Task): EnvelopeCase {
  return { name, binary: base64(bytes), hash: task.asHash(), fields: fieldsOf(bytes, task) };
}

function fieldsOf(bytes: Uint8Array, task: Task): EnvelopeFields {
  const { data, createdAt } = fromBinary(TaskEnvelopeSchema, bytes);
  const { taskList, id, type, envelope } = task;
  return {
    taskList,
    id,
    typeUrl: data?.typeUrl ?? "",
    type,
    data: base64(data?.value ?? new Uint8Array()),
    isOpaque: task instanceof OpaqueTask,
    createdAt: createdAt ? secondsAndNanos(createdAt) : null,
    version: envelope.savedAt?.toString() ?? null,
    attempt: envelope.attempt,
    headers: envelope.headers,
  };
}

function secondsAndNanos({ seconds, nanos }: Timestamp): readonly [string, number] {
  return [String(seconds), nanos];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
