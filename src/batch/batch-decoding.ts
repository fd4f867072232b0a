import { create, fromBinary, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import { type TaskBatch, TaskBatchSchema, type TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { packData } from "../envelope.js";
import { type CheckedEnvelope, checkEnvelope } from "../envelope-check.js";
import { describeValue, TaskError } from "../errors.js";
import { compactHeaders } from "../headers.js";
import { fallBack } from "../wire/fallback.js";
import { decode } from "../wire/message-codec.js";
import type { Reader } from "../wire/reader.js";
import { checkBatchBytes, invalidBatch, MAX_BATCH_TASKS, MAX_SHARED_BYTES, tooManyTasks } from "./batch-limits.js";
import { readTaskBatch, readTimes, readUuid, UUID_BYTES } from "./columns.js";

/**
 * Reads a batch: gives the envelopes of its tasks, one by one. The value of the data is a view of the batch's bytes; who
 * keeps it copies it. Envelopes of a group share its headers, which are frozen.
 *
 * @throws TOO_LARGE (over `maxBytes` or 10,000 tasks) and INVALID_BATCH before the first envelope; INVALID_ENVELOPE in
 *   the place of one that breaks the rules of the protocol.
 */
export function* decodeBatch(bytes: Uint8Array, maxBytes: number): Generator<CheckedEnvelope, void, undefined> {
  if (!(bytes instanceof Uint8Array)) throw invalidBatch(`expected a Uint8Array, got ${describeValue(bytes)}`);
  checkBatchBytes(bytes.length, maxBytes);
  const batch = parse(bytes);
  checkBatch(batch);
  const readers = batch.groups.map((group, i) => readGroup(group, `groups[${i}]`));
  for (const group of orderOf(batch)) yield (readers[group] as () => CheckedEnvelope)();
}

function parse(bytes: Uint8Array): TaskBatch {
  try {
    return decode(bytes, readTaskBatch, undefined) ?? fromBinary(TaskBatchSchema, bytes);
  } catch (cause) {
    throw invalidBatch(`the bytes are no taskledger.v1.TaskBatch: ${(cause as Error).message}`, undefined, cause);
  }
}

function checkBatch(batch: TaskBatch): void {
  const { groups, order } = batch;
  // Also where the columns of a group do not fit each other, the longest one says how many tasks it claims to have.
  const count = groups.reduce((sum, { data, ids, createdAt, savedAt, rest }) => {
    return sum + Math.max(1, data.length, ids.length, createdAt.length, savedAt.length, rest.length);
  }, 0);
  if (count > MAX_BATCH_TASKS || order.length > MAX_BATCH_TASKS) throw tooManyTasks();
  checkKnown(batch, undefined);
  for (const [i, group] of groups.entries()) checkColumns(group, `groups[${i}]`);
  checkOrder(batch);
}

/** A field that is not known here may be a column without which the tasks would not be whole. */
function checkKnown({ $unknown }: TaskBatch | TaskGroup, path: string | undefined): void {
  const [field] = $unknown ?? [];
  if (field) throw invalidBatch(`it has the field ${field.no}, which this version does not know`, path);
}

function checkColumns(group: TaskGroup, path: string): void {
  checkKnown(group, path);
  const { data, ids, uuids, createdAt, savedAt, rest } = group;
  const count = data.length;
  if (count === 0) throw invalidBatch("a group has no task", `${path}.data`);
  const hasIds = ids.length > 0 ? ids.length === count && uuids.length === 0 : uuids.length === UUID_BYTES * count;
  if (!hasIds) throw invalidBatch(`the group has ${count} tasks and not as many ids`, `${path}.ids`);
  for (const [name, { length }] of Object.entries({ createdAt, savedAt, rest }))
    if (length !== 0 && length !== count)
      throw invalidBatch(`the group has ${count} tasks and ${length} entries in ${name}`, `${path}.${name}`);
}

function checkOrder({ groups, order }: TaskBatch): void {
  if (order.length === 0 && groups.length <= 1) return;
  const left = groups.map(({ data }) => data.length);
  const takeOne = (group: number) => group < left.length && (left[group] as number)-- > 0;
  const fits = order.every(takeOne) && left.every((count) => count === 0);
  if (!fits) throw invalidBatch("the order does not name each group once for each of its tasks", "order");
}

/** For each task, its group. */
function orderOf({ groups, order }: TaskBatch): readonly number[] {
  return order.length > 0 ? order : groups.flatMap(({ data }, group) => data.map(() => group));
}

/** Gives a group's next envelope whenever it is called. Throws INVALID_BATCH at once. */
function readGroup(group: TaskGroup, path: string): () => CheckedEnvelope {
  const { ids, uuids, data, rest } = group;
  const shared = readShared(group, `${path}.shared`);
  const createdAt = readTimes(group.createdAt, `${path}.createdAt`);
  const savedAt = readTimes(group.savedAt, `${path}.savedAt`);
  const { $typeName, taskList, attempt, headers, $unknown } = shared;
  const typeUrl = shared.data?.typeUrl ?? "";
  let i = 0;
  return () => {
    const envelope: TaskEnvelope = {
      $typeName,
      taskList,
      id: ids[i] ?? readUuid(uuids, i),
      data: packData(typeUrl, data[i] as Uint8Array),
      createdAt: createdAt[i] ?? shared.createdAt,
      savedAt: savedAt[i] ?? shared.savedAt,
      attempt,
      headers,
    };
    if ($unknown) envelope.$unknown = $unknown;
    if (rest[i]) addRest(envelope, rest[i] as Uint8Array);
    i++;
    checkEnvelope(envelope, "INVALID_ENVELOPE");
    return envelope;
  };
}

/**
 * What the tasks of a group share, in memory of its own. A few bytes a task must not become many: it is copied for no
 * task, and merged with no task's rest.
 */
function readShared({ shared = empty, rest }: TaskGroup, path: string): TaskEnvelope {
  const { taskList, data } = shared;
  const bytes = toBinary(TaskEnvelopeSchema, shared);
  if (bytes.length > MAX_SHARED_BYTES)
    throw invalidBatch(`it has ${bytes.length} bytes; the limit is ${MAX_SHARED_BYTES}`, path);
  if (rest.length > 0 && bytes.length > toBinary(TaskEnvelopeSchema, { ...empty, taskList, data }).length)
    throw invalidBatch("a group with entries in rest can share no more than a list and a type", path);
  const envelope = fromBinary(TaskEnvelopeSchema, bytes);
  envelope.headers = Object.freeze(compactHeaders(envelope.headers));
  return envelope;
}

const empty: TaskEnvelope = create(TaskEnvelopeSchema);

/** Merges an envelope with what the columns do not have. */
function addRest(envelope: TaskEnvelope, rest: Uint8Array): void {
  const usual = decode(rest, readUsualRest, undefined);
  if (usual) Object.assign(envelope, usual);
  else mergeRest(envelope, rest);
  envelope.headers = compactHeaders(envelope.headers);
}

/** What most tasks have beside the columns: an attempt, and headers. */
function readUsualRest(r: Reader, end: number): Pick<TaskEnvelope, "attempt" | "headers"> {
  const rest = { attempt: 0, headers: {} };
  while (r.pos < end)
    switch (r.tag()) {
      case 48:
        rest.attempt = r.uint32();
        break;
      case 58:
        r.stringEntry(rest.headers, end);
        break;
      default:
        fallBack();
    }
  r.end(end);
  return rest;
}

function mergeRest(envelope: TaskEnvelope, rest: Uint8Array): void {
  envelope.headers = {};
  try {
    // Unknown fields are views of what protobuf-es is given.
    mergeFromBinary(TaskEnvelopeSchema, envelope, rest.slice());
  } catch (cause) {
    const reason = `what the columns do not have is no taskledger.v1.TaskEnvelope: ${(cause as Error).message}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { taskList: envelope.taskList, id: envelope.id, cause });
  }
}
