import { create, fromBinary } from "@bufbuild/protobuf";
import { type TaskBatch, TaskBatchSchema, type TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { expectedBytes, isEnvelope } from "../core/bytes-advice.js";
import { TaskError } from "../core/errors.js";
import { isBytes } from "../core/values.js";
import { checkEnvelope } from "../envelope/check.js";
import { mergeEnvelope, readEnvelope } from "../envelope/decode.js";
import { encodeEnvelope } from "../envelope/encode.js";
import { type FullEnvelope, packData } from "../envelope/envelope.js";
import { decode } from "../wire/message-codec.js";
import type { Reader } from "../wire/reader.js";
import { checkBatchBytes, invalidBatch, MAX_BATCH_TASKS, MAX_SHARED_BYTES, tooManyTasks } from "./batch-limits.js";
import { readColumns, readTimes, readUuid, UUID_BYTES } from "./columns.js";

// A batch (batch.proto) is read in three steps: its bytes become a TaskBatch; its columns are checked; and each group is
// transposed, so that it gives one envelope after the other.

/**
 * Reads a batch: yields the envelopes of its tasks. The value of the data is a view of the batch's bytes: copy it to keep it.
 * Envelopes of a group share its headers, which are frozen.
 *
 * @throws TOO_LARGE (over `maxBytes` or 10,000 tasks) and INVALID_BATCH before the first envelope; INVALID_ENVELOPE in
 *   the place of one that breaks the rules of the protocol.
 */
export function* decodeBatch(bytes: Uint8Array, maxBytes: number): Generator<FullEnvelope, void, undefined> {
  if (!isBytes(bytes)) throw invalidBatch(expectedBytes(bytes));
  if (isEnvelope(bytes)) throw invalidBatch("the bytes are not a batch but one task: read it with fromBinary");
  checkBatchBytes(bytes.length, maxBytes);
  const batch = parse(bytes);
  checkBatch(batch);
  const next = batch.groups.map((group, i) => transpose(group, pathOf(i)));
  for (const group of orderOf(batch)) yield (next[group] as () => FullEnvelope)();
}

function parse(bytes: Uint8Array): TaskBatch {
  return decode(bytes, readBatch, undefined) ?? parseSlowly(bytes);
}

function readBatch(r: Reader, end: number): TaskBatch {
  const batch: TaskBatch = { $typeName: "taskledger.v1.TaskBatch", groups: [], order: [] };
  const { groups, order } = batch;
  r.enter();
  while (r.pos < end) {
    switch (r.field()) {
      case 16:
        groups.push(readColumns(r, r.limit()));
        break;
      case 17:
        for (const limit = r.numbers(); r.pos < limit; ) order.push(r.uint32());
        break;
      default:
        throw unknownField(r.tag >>> 3, undefined);
    }
    if (groups.length > MAX_BATCH_TASKS || order.length > MAX_BATCH_TASKS) throw tooManyTasks();
  }
  r.leave();
  return batch;
}

function parseSlowly(bytes: Uint8Array): TaskBatch {
  try {
    return fromBinary(TaskBatchSchema, bytes);
  } catch (cause) {
    throw invalidBatch(`the bytes are not a taskledger.v1.TaskBatch: ${(cause as Error).message}`, undefined, cause);
  }
}

/** An unknown field may be a column without which the tasks would be incomplete. */
function unknownField(field: number, path: string | undefined): TaskError {
  return invalidBatch(`it has a field ${field} that this version does not know`, path);
}

function checkBatch(batch: TaskBatch): void {
  const { groups } = batch;
  if (groups.reduce((sum, group) => sum + tasksIn(group), 0) > MAX_BATCH_TASKS) throw tooManyTasks();
  for (const [i, group] of groups.entries()) checkColumns(group, pathOf(i));
  checkOrder(batch);
}

/** The number of tasks that a group claims to have: the length of its longest column. */
function tasksIn({ data, ids, createdAt, savedAt, rest }: TaskGroup): number {
  return Math.max(1, data.length, ids.length, createdAt.length, savedAt.length, rest.length);
}

function pathOf(group: number): string {
  return `groups[${group}]`;
}

function checkColumns(group: TaskGroup, path: string): void {
  const { data, ids, uuids, createdAt, savedAt, rest, $unknown = [] } = group;
  for (const { no } of $unknown) throw unknownField(no, path);
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

/** The group of each task. */
function orderOf({ groups, order }: TaskBatch): readonly number[] {
  return order.length > 0 ? order : groups.flatMap(({ data }, group) => data.map(() => group));
}

/** Returns a function that returns the next envelope of a group at each call. Throws INVALID_BATCH at once. */
function transpose(group: TaskGroup, path: string): () => FullEnvelope {
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
 * What the tasks of a group share, in memory of its own. Few bytes per task must not become many: it is not copied for each
 * task, nor merged with a task's rest.
 */
function readShared({ shared = empty, rest }: TaskGroup, path: string): TaskEnvelope {
  const { taskList, data } = shared;
  const bytes = encodeEnvelope(shared, Infinity);
  if (bytes.length > MAX_SHARED_BYTES)
    throw invalidBatch(`it has ${bytes.length} bytes; the limit is ${MAX_SHARED_BYTES}`, path);
  if (rest.length > 0 && bytes.length > encodeEnvelope({ ...empty, taskList, data }, Infinity).length)
    throw invalidBatch("a group with entries in rest can share no more than a list and a type", path);
  const envelope = decode(bytes, readEnvelope, undefined) ?? mergeEnvelope(create(TaskEnvelopeSchema), bytes);
  Object.freeze(envelope.headers);
  return envelope;
}

const empty: TaskEnvelope = create(TaskEnvelopeSchema);

/** Adds the fields that the columns do not have to an envelope. */
function addRest(envelope: TaskEnvelope, rest: Uint8Array): void {
  envelope.headers = {};
  if (decode(rest, readEnvelope, envelope)) return;
  try {
    // Unknown fields are views of what protobuf-es is given.
    mergeEnvelope(envelope, rest.slice());
  } catch (cause) {
    const reason = `what the columns do not have is no taskledger.v1.TaskEnvelope: ${(cause as Error).message}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { taskList: envelope.taskList, id: envelope.id, cause });
  }
}
