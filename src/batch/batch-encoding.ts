import { create, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { TaskBatchSchema, type TaskGroup, TaskGroupSchema } from "../../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { encodeEnvelope, packData } from "../envelope.js";
import { timestampToMicros, uuidToBytes } from "./batch-layout.js";
import { MAX_SHARED_BYTES } from "./batch-limits.js";

/** A task's entries in the columns of a batch. Tasks that have the same ones, a list and a type are a group. */
export interface BatchRow {
  readonly taskList: string;
  readonly typeUrl: string;
  readonly id: string;
  readonly uuid: Uint8Array | undefined;
  readonly data: Uint8Array;
  readonly createdAt: bigint | undefined;
  readonly savedAt: bigint | undefined;
  readonly rest: Uint8Array;
}

/** The entries of an envelope, which must not change any more. Throws TOO_LARGE where it has more than `maxTaskBytes`. */
export function toRow(envelope: TaskEnvelope & { data: Any }, maxTaskBytes: number): BatchRow {
  const { taskList, id, data } = envelope;
  const createdAt = envelope.createdAt && timestampToMicros(envelope.createdAt);
  const savedAt = envelope.savedAt && timestampToMicros(envelope.savedAt);
  const left: TaskEnvelope = { ...envelope, taskList: "", id: "" };
  if (createdAt !== undefined) delete left.createdAt;
  if (savedAt !== undefined) delete left.savedAt;
  if (isShareable(data.typeUrl)) delete left.data;
  else left.data = packData(data.typeUrl, nothing);
  const rest = encodeEnvelope(left, Infinity);
  const row = {
    taskList,
    typeUrl: data.typeUrl,
    id,
    uuid: uuidToBytes(id),
    data: data.value,
    createdAt,
    savedAt,
    rest,
  };
  if (maxRowBytes(row) + maxGroupBytes(row) + 3 * id.length > maxTaskBytes) encodeEnvelope(envelope, maxTaskBytes); // only that can tell
  return row;
}

const nothing = new Uint8Array();

/** Whether a type URL fits into `shared` beside the longest task list. */
function isShareable(typeUrl: string): boolean {
  return Buffer.byteLength(typeUrl) <= MAX_SHARED_BYTES - 550;
}

/** The most bytes that a task takes in its group; the length of UTF-8 is only estimated. */
function maxRowBytes({ id, uuid, data, createdAt, savedAt, rest }: BatchRow): number {
  const idBytes = uuid ? 16 : MAX_TAG_BYTES + 3 * id.length;
  const timeBytes = (createdAt === undefined ? 0 : MAX_VARINT_BYTES) + (savedAt === undefined ? 0 : MAX_VARINT_BYTES);
  return idBytes + timeBytes + data.length + rest.length + 2 * MAX_TAG_BYTES + MAX_ORDER_BYTES;
}

const MAX_VARINT_BYTES = 10;
/** A field's number and length. */
const MAX_TAG_BYTES = 6;
/** Of an entry: there are no more groups than tasks. */
const MAX_ORDER_BYTES = 2;

/** The most bytes that its group takes but for its tasks. */
function maxGroupBytes({ taskList, typeUrl }: BatchRow): number {
  return 3 * (taskList.length + typeUrl.length) + 100;
}

/** Puts rows into the columns of a `taskledger.v1.TaskBatch`, as batch.proto says. */
export class BatchEncoder {
  readonly #groups = new Map<string, GroupEncoder>();
  readonly #order: number[] = [];
  #maxBytes = 0;

  /** How many tasks there are. */
  get count(): number {
    return this.#order.length;
  }

  /** The most bytes that the batch can have with this row. */
  maxBytesWith(row: BatchRow): number {
    return this.#maxBytes + maxRowBytes(row) + maxGroupBytes(row);
  }

  add(row: BatchRow): void {
    const group = this.#groupOf(row);
    group.add(row);
    this.#order.push(group.index);
    this.#maxBytes += maxRowBytes(row);
  }

  /** The batch's bytes, in an array of their own. */
  encode(): Uint8Array<ArrayBuffer> {
    const groups = [...this.#groups.values()].map((group) => group.toMessage());
    const order = groups.length > 1 ? this.#order : [];
    return toBinary(TaskBatchSchema, create(TaskBatchSchema, { groups, order }));
  }

  #groupOf(row: BatchRow): GroupEncoder {
    const { taskList, typeUrl } = row;
    const columns = [row.uuid, row.createdAt, row.savedAt].map((value) => (value === undefined ? "-" : "+")).join("");
    const key = `${columns} ${typeUrl.length} ${typeUrl}${taskList}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new GroupEncoder(this.#groups.size, taskList, typeUrl);
      this.#groups.set(key, group);
      this.#maxBytes += maxGroupBytes(row);
    }
    return group;
  }
}

class GroupEncoder {
  readonly index: number;
  readonly #shared: TaskEnvelope;
  readonly #rows: BatchRow[] = [];

  constructor(index: number, taskList: string, typeUrl: string) {
    this.index = index;
    this.#shared = create(TaskEnvelopeSchema, { taskList });
    if (isShareable(typeUrl)) this.#shared.data = packData(typeUrl, nothing);
  }

  add(row: BatchRow): void {
    this.#rows.push(row);
  }

  toMessage(): TaskGroup {
    const rows = this.#rows;
    const [first] = rows as [BatchRow, ...BatchRow[]];
    return create(TaskGroupSchema, {
      ids: first.uuid ? [] : rows.map(({ id }) => id),
      uuids: first.uuid ? Buffer.concat(rows.map(({ uuid }) => uuid as Uint8Array)) : nothing,
      data: rows.map(({ data }) => data),
      createdAt: first.createdAt === undefined ? [] : differences(rows.map(({ createdAt }) => createdAt as bigint)),
      savedAt: first.savedAt === undefined ? [] : differences(rows.map(({ savedAt }) => savedAt as bigint)),
      ...this.#sharedAndRest(),
    });
  }

  /** What is left in all tasks alike is shared, if it fits. */
  #sharedAndRest(): Pick<TaskGroup, "shared" | "rest"> {
    const rest = this.#rows.map((row) => row.rest);
    const [first] = rest as [Uint8Array];
    const shared = this.#shared;
    if (!rest.every((each) => Buffer.compare(each, first) === 0)) return { shared, rest };
    if (first.length === 0) return { shared, rest: [] };
    const all = mergeFromBinary(TaskEnvelopeSchema, { ...shared, headers: {} }, first);
    return toBinary(TaskEnvelopeSchema, all).length > MAX_SHARED_BYTES ? { shared, rest } : { shared: all, rest: [] };
  }
}

function differences(times: readonly bigint[]): bigint[] {
  return times.map((time, i) => time - (times[i - 1] ?? 0n));
}
