import { create, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { TaskBatchSchema, type TaskGroup, TaskGroupSchema } from "../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../gen/taskledger/v1/envelope_pb.js";
import { timestampToMicros, uuidToBytes } from "./batch-layout.js";
import { MAX_SHARED_BYTES } from "./batch-limits.js";
import { encodeEnvelope, packData } from "./envelope.js";

type FullEnvelope = TaskEnvelope & { data: Any };

/** Puts envelopes into the columns of a `taskledger.v1.TaskBatch`, as batch.proto says. */
export class BatchEncoder {
  readonly #groups = new Map<string, GroupEncoder>();
  readonly #order: number[] = [];
  #maxBytes = 0;

  /** How many tasks there are. */
  get count(): number {
    return this.#order.length;
  }

  /** The batch will not be longer than this, in bytes. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Adds an envelope, which must not change any more. Throws TOO_LARGE where it has more than `maxTaskBytes`. */
  add(envelope: FullEnvelope, maxTaskBytes: number): void {
    const row = toRow(envelope);
    checkSize(envelope, row, maxTaskBytes);
    const group = this.#groupOf(envelope, row);
    group.add(row);
    this.#order.push(group.index);
    this.#maxBytes += MAX_ROW_OVERHEAD + 3 * row.id.length + row.data.length + row.rest.length;
  }

  /** Its bytes, in an array of their own. */
  encode(): Uint8Array<ArrayBuffer> {
    const groups = [...this.#groups.values()].map((group) => group.toMessage());
    const order = groups.length > 1 ? this.#order : [];
    return toBinary(TaskBatchSchema, create(TaskBatchSchema, { groups, order }));
  }

  #groupOf({ taskList, data: { typeUrl } }: FullEnvelope, row: Row): GroupEncoder {
    const columns = [row.uuid, row.createdAt, row.savedAt].map((value) => (value === undefined ? "-" : "+")).join("");
    const key = `${columns} ${typeUrl.length} ${typeUrl}${taskList}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new GroupEncoder(this.#groups.size, taskList, typeUrl);
      this.#groups.set(key, group);
      this.#maxBytes += MAX_SHARED_BYTES + MAX_GROUP_OVERHEAD;
    }
    return group;
  }
}

/** Tags and lengths: of the group, its columns, and its share of the batch. */
const MAX_GROUP_OVERHEAD = 64;
/** An entry of `order`, two times, and the tags and lengths of the rest. */
const MAX_ROW_OVERHEAD = 5 + 2 * 10 + 3 * 6;

/** One task's entries; tasks that lack the same ones are in one group. */
interface Row {
  readonly id: string;
  readonly uuid: Uint8Array | undefined;
  readonly data: Uint8Array;
  readonly createdAt: bigint | undefined;
  readonly savedAt: bigint | undefined;
  readonly rest: Uint8Array;
}

function toRow(envelope: FullEnvelope): Row {
  const { id, data } = envelope;
  const createdAt = envelope.createdAt && timestampToMicros(envelope.createdAt);
  const savedAt = envelope.savedAt && timestampToMicros(envelope.savedAt);
  const left = { ...envelope, taskList: "", id: "" };
  if (createdAt !== undefined) delete left.createdAt;
  if (savedAt !== undefined) delete left.savedAt;
  if (isShareable(data.typeUrl)) delete (left as TaskEnvelope).data;
  else left.data = packData(data.typeUrl, nothing);
  return { id, uuid: uuidToBytes(id), data: data.value, createdAt, savedAt, rest: encodeEnvelope(left, Infinity) };
}

function checkSize(envelope: FullEnvelope, { data, rest }: Row, maxBytes: number): void {
  const { taskList, id } = envelope;
  const most = 3 * (taskList.length + id.length + envelope.data.typeUrl.length) + data.length + rest.length + 64;
  if (most > maxBytes) encodeEnvelope(envelope, maxBytes); // only that can tell
}

const nothing = new Uint8Array();

/** Whether a type URL fits into `shared` beside the longest task list. */
function isShareable(typeUrl: string): boolean {
  return Buffer.byteLength(typeUrl) <= MAX_SHARED_BYTES - 550;
}

class GroupEncoder {
  readonly index: number;
  readonly #shared: TaskEnvelope;
  readonly #rows: Row[] = [];

  constructor(index: number, taskList: string, typeUrl: string) {
    this.index = index;
    this.#shared = create(TaskEnvelopeSchema, { taskList });
    if (isShareable(typeUrl)) this.#shared.data = packData(typeUrl, nothing);
  }

  add(row: Row): void {
    this.#rows.push(row);
  }

  toMessage(): TaskGroup {
    const rows = this.#rows;
    const [first] = rows as [Row, ...Row[]];
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
