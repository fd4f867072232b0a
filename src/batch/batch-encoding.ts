import { create, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { TaskBatchSchema, type TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { encodeEnvelope } from "../envelope/encode.js";
import { type FullEnvelope, packData } from "../envelope/envelope.js";
import { noBytes } from "../wire/byte-copies.js";
import { checkBatchBytes, MAX_SHARED_BYTES } from "./batch-limits.js";
import { isUuid, toMicros, UUID_BYTES, writeTimes, writeUuids } from "./columns.js";

// A batch (batch.proto) is written in three steps: each task becomes a row; rows of one list and type are a group, and
// become its columns; protobuf-es writes all groups as one TaskBatch.

/** A task's entries in the columns of its group. */
export interface BatchRow {
  readonly taskList: string;
  readonly typeUrl: string;
  readonly id: string;
  readonly hasUuid: boolean;
  readonly data: Uint8Array;
  /** In microseconds; undefined if there is none, or if it is in `rest`. */
  readonly createdAt: bigint | undefined;
  readonly savedAt: bigint | undefined;
  /** Fields that the group and the other columns do not have, as an envelope's bytes. */
  readonly rest: Uint8Array;
}

/** The entries of an envelope with this data. Throws TOO_LARGE if it has more than `maxTaskBytes`. */
export function toRow(envelope: FullEnvelope, data: Uint8Array, maxTaskBytes: number): BatchRow {
  const { taskList, id } = envelope;
  const { typeUrl } = envelope.data;
  const createdAt = envelope.createdAt && toMicros(envelope.createdAt);
  const savedAt = envelope.savedAt && toMicros(envelope.savedAt);
  const rest = encodeRest(envelope, createdAt, savedAt);
  const row = { taskList, typeUrl, id, hasUuid: isUuid(id), data, createdAt, savedAt, rest };
  // Only the envelope itself can tell.
  if (maxRowBytes(row) + maxGroupBytes(row) + 3 * id.length > maxTaskBytes)
    encodeEnvelope({ ...envelope, data: packData(typeUrl, data) }, maxTaskBytes);
  return row;
}

function encodeRest(envelope: FullEnvelope, createdAt: bigint | undefined, savedAt: bigint | undefined): Uint8Array {
  const { attempt, headers, $unknown, data } = envelope;
  const isTyped = isShareable(data.typeUrl);
  const isDated = (createdAt !== undefined || !envelope.createdAt) && (savedAt !== undefined || !envelope.savedAt);
  if (isTyped && isDated && attempt === 0 && !$unknown && isEmpty(headers)) return noBytes;
  const rest: TaskEnvelope = { ...empty, attempt, headers };
  if (!isTyped) rest.data = packData(data.typeUrl, noBytes);
  if (createdAt === undefined) rest.createdAt = envelope.createdAt;
  if (savedAt === undefined) rest.savedAt = envelope.savedAt;
  if ($unknown) rest.$unknown = $unknown;
  return encodeEnvelope(rest, Infinity);
}

const empty: TaskEnvelope = create(TaskEnvelopeSchema);

function isEmpty(headers: Record<string, string>): boolean {
  for (const _ in headers) return false;
  return true;
}

/** Whether a type URL fits into `shared` beside the longest task list. */
function isShareable(typeUrl: string): boolean {
  return 3 * typeUrl.length <= MAX_SHARED_BYTES - 550;
}

/** Upper bound of the bytes of a task in its group; the length of UTF-8 is only estimated. */
function maxRowBytes({ id, hasUuid, data, createdAt, savedAt, rest }: BatchRow): number {
  const idBytes = hasUuid ? UUID_BYTES : MAX_TAG_BYTES + 3 * id.length;
  const timeBytes = (createdAt === undefined ? 0 : MAX_TIME_BYTES) + (savedAt === undefined ? 0 : MAX_TIME_BYTES);
  return idBytes + timeBytes + data.length + rest.length + 2 * MAX_TAG_BYTES + MAX_ORDER_BYTES;
}

/** A field's number and length. */
const MAX_TAG_BYTES = 6;
/** A number of 64 bits. */
const MAX_TIME_BYTES = 10;
/** Of an entry: there are no more groups than tasks. */
const MAX_ORDER_BYTES = 2;

/** Upper bound of the bytes of its group without its tasks. */
function maxGroupBytes({ taskList, typeUrl }: BatchRow): number {
  return 3 * (taskList.length + typeUrl.length) + 100;
}

/** Rows of one list and type that have the same columns. */
interface RowGroup {
  readonly index: number;
  readonly first: BatchRow;
  readonly rows: BatchRow[];
}

/** Collects rows and puts them into the columns of a `taskledger.v1.TaskBatch`, as batch.proto says. */
export class BatchEncoder {
  readonly #groups = new Map<string, RowGroup>();
  /** The group of each row. */
  readonly #order: number[] = [];
  #last: RowGroup | undefined;
  #maxBytes = 0;

  /** The number of tasks. */
  get count(): number {
    return this.#order.length;
  }

  /** Upper bound of the bytes of the batch with this row. */
  maxBytesWith(row: BatchRow): number {
    return this.#maxBytes + maxRowBytes(row) + maxGroupBytes(row);
  }

  add(row: BatchRow): void {
    const group = this.#last && belongs(row, this.#last) ? this.#last : this.#groupOf(row);
    group.rows.push(row);
    this.#order.push(group.index);
    this.#maxBytes += maxRowBytes(row);
    this.#last = group;
  }

  /** The batch's bytes, in an array of their own; with their length before them, if asked for. Throws TOO_LARGE over `maxBytes`. */
  encode(maxBytes: number, withLength: boolean): Uint8Array<ArrayBuffer> {
    const groups = Array.from(this.#groups.values(), ({ rows }) => toColumns(rows));
    const order = groups.length > 1 ? this.#order : [];
    const bytes = toBinary(TaskBatchSchema, { $typeName: "taskledger.v1.TaskBatch", groups, order });
    checkBatchBytes(bytes.length, maxBytes);
    return withLength ? new BinaryWriter().bytes(bytes).finish() : bytes;
  }

  #groupOf(row: BatchRow): RowGroup {
    const { taskList, typeUrl, hasUuid, createdAt, savedAt } = row;
    const key = JSON.stringify([taskList, typeUrl, hasUuid, createdAt === undefined, savedAt === undefined]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { index: this.#groups.size, first: row, rows: [] };
      this.#groups.set(key, group);
      this.#maxBytes += maxGroupBytes(row);
    }
    return group;
  }
}

/** Whether a row is of this group. */
function belongs({ taskList, typeUrl, hasUuid, createdAt, savedAt }: BatchRow, { first }: RowGroup): boolean {
  const hasSameTimes =
    (createdAt === undefined) === (first.createdAt === undefined) &&
    (savedAt === undefined) === (first.savedAt === undefined);
  return taskList === first.taskList && typeUrl === first.typeUrl && hasUuid === first.hasUuid && hasSameTimes;
}

function toColumns(rows: readonly BatchRow[]): TaskGroup {
  const [first] = rows as [BatchRow];
  const ids = rows.map(({ id }) => id);
  return {
    $typeName: "taskledger.v1.TaskGroup",
    ids: first.hasUuid ? [] : ids,
    uuids: first.hasUuid ? writeUuids(ids) : noBytes,
    data: rows.map(({ data }) => data),
    createdAt: first.createdAt === undefined ? [] : writeTimes(rows.map(({ createdAt }) => createdAt as bigint)),
    savedAt: first.savedAt === undefined ? [] : writeTimes(rows.map(({ savedAt }) => savedAt as bigint)),
    ...share(rows),
  };
}

/** If all tasks have the same rest, it is shared, if it fits. */
function share(rows: readonly BatchRow[]): Pick<TaskGroup, "shared" | "rest"> {
  const [{ taskList, typeUrl, rest }] = rows as [BatchRow];
  const init = isShareable(typeUrl) ? { taskList, data: packData(typeUrl, noBytes) } : { taskList };
  if (rows.every((row) => isSame(row.rest, rest))) {
    const shared = mergeFromBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, init), rest);
    if (toBinary(TaskEnvelopeSchema, shared).length <= MAX_SHARED_BYTES) return { shared, rest: [] };
  }
  return { shared: create(TaskEnvelopeSchema, init), rest: rows.map((row) => row.rest) };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && (a.length === 0 || Buffer.compare(a, b) === 0);
}
