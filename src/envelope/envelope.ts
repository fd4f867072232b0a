import { type Any, timestampDate } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../../gen/taskledger/v1/envelope_pb.js";
import { TaskError } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import { timestampToVersion, type Version } from "../core/version.js";
import { copyHeaders } from "./headers.js";

/** The default of `maxTaskBytes`: 1 MiB. */
export const DEFAULT_MAX_TASK_BYTES: number = 1024 * 1024;

/** What travels with a task beside its keys and its data. */
export interface Envelope {
  /** When the task was built, by its generator's clock, to the millisecond. */
  readonly createdAt: Date | undefined;
  /** The task's version, microseconds since 1970; undefined until it is saved. */
  readonly savedAt: Version | undefined;
  /** Which attempt this is, from 1; 0 if attempts are not counted. */
  readonly attempt: number;
  /** Headers, such as trace context and those that the user adds. */
  readonly headers: Record<string, string>;
}

/** The headers of tasks that have none, until they are asked for. */
export const noHeaders: Record<string, string> = Object.freeze({});

/** An envelope that satisfies the rules of the protocol: it has data. */
export type FullEnvelope = TaskEnvelope & { data: Any };

/** The public view of an envelope as it is now. The headers are the envelope's own; callers may add to them. */
export function viewEnvelope(envelope: TaskEnvelope, savedAt: Version | undefined = savedAtOf(envelope)): Envelope {
  // Tasks share them until they are asked for.
  if (Object.isFrozen(envelope.headers)) envelope.headers = copyHeaders(envelope.headers);
  const { createdAt, attempt, headers } = envelope;
  return { createdAt: createdAt && timestampDate(createdAt), savedAt, attempt, headers };
}

export function savedAtOf(envelope: TaskEnvelope): Version | undefined {
  return envelope.savedAt && timestampToVersion(envelope.savedAt);
}

/** A copy with other data; later changes to the original do not affect it. */
export function copyEnvelope(envelope: TaskEnvelope, data: Any): FullEnvelope {
  return { ...envelope, data, headers: copyHeaders(envelope.headers) };
}

export function packData(typeUrl: string, value: Uint8Array): Any {
  return { $typeName: "google.protobuf.Any", typeUrl, value };
}

/** Throws TOO_LARGE if an envelope of `size` bytes is over the limit. */
export function checkSize(size: number, maxBytes: number, key?: TaskKey): void {
  if (size <= maxBytes) return;
  const message = `the task's envelope has ${size} bytes; the limit is ${maxBytes} (maxTaskBytes)`;
  throw new TaskError("TOO_LARGE", message, { taskList: key?.taskList, id: key?.id, field: "data" });
}
