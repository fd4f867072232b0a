import { create, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import type { Any, Timestamp } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { encodeEnvelope } from "../envelope/encode.js";
import { packData } from "../envelope/envelope.js";
import { noBytes } from "../wire/reader.js";
import { checkBatchBytes, MAX_SHARED_BYTES } from "./batch-limits.js";
import { tags } from "./batch-tags.js";
import { Column, MAX_VARINT_BYTES } from "./column.js";
import { isWholeMicros, TimeColumn } from "./times.js";
import { isUuid, UUID_BYTES, writeUuid } from "./uuid.js";

/** A task's entries in the columns of a batch. Tasks that have the same ones, a list and a type are a group. */
export interface BatchRow {
  readonly taskList: string;
  readonly typeUrl: string;
  readonly id: string;
  readonly hasUuid: boolean;
  readonly data: Uint8Array;
  readonly createdAt: Timestamp | undefined;
  readonly savedAt: Timestamp | undefined;
  readonly rest: Uint8Array;
}

/** The entries of an envelope with this data. Throws TOO_LARGE where it has more than `maxTaskBytes`. */
export function toRow(envelope: TaskEnvelope & { data: Any }, data: Uint8Array, maxTaskBytes: number): BatchRow {
  const { taskList, id } = envelope;
  const { typeUrl } = envelope.data;
  const createdAt = wholeMicros(envelope.createdAt);
  const savedAt = wholeMicros(envelope.savedAt);
  const rest = encodeRest(envelope, createdAt, savedAt);
  const row = { taskList, typeUrl, id, hasUuid: isUuid(id), data, createdAt, savedAt, rest };
  // Only the envelope itself can tell.
  if (maxRowBytes(row) + maxGroupBytes(row) + 3 * id.length > maxTaskBytes)
    encodeEnvelope({ ...envelope, data: packData(typeUrl, data) }, maxTaskBytes);
  return row;
}

function wholeMicros(time: Timestamp | undefined): Timestamp | undefined {
  return time && isWholeMicros(time) ? time : undefined;
}

/** What is left of an envelope without what `shared` and the other columns have. */
function encodeRest(
  envelope: TaskEnvelope & { data: Any },
  createdAt: Timestamp | undefined,
  savedAt: Timestamp | undefined,
): Uint8Array {
  const { attempt, headers, $unknown, data } = envelope;
  const isDated = envelope.createdAt === createdAt && envelope.savedAt === savedAt;
  const isTyped = isShareable(data.typeUrl);
  if (attempt === 0 && isDated && isTyped && !$unknown && isEmpty(headers)) return noBytes;
  const left: TaskEnvelope = { ...envelope, taskList: "", id: "", data: packData(data.typeUrl, noBytes) };
  if (isTyped) delete left.data;
  if (createdAt) delete left.createdAt;
  if (savedAt) delete left.savedAt;
  return encodeEnvelope(left, Infinity);
}

function isEmpty(headers: Record<string, string>): boolean {
  for (const _ in headers) return false;
  return true;
}

/** Whether a type URL fits into `shared` beside the longest task list. */
function isShareable(typeUrl: string): boolean {
  return 3 * typeUrl.length <= MAX_SHARED_BYTES - 550;
}

/** The most bytes that a task takes in its group; the length of UTF-8 is only estimated. */
function maxRowBytes({ id, hasUuid, data, createdAt, savedAt, rest }: BatchRow): number {
  const idBytes = hasUuid ? UUID_BYTES : MAX_TAG_BYTES + 3 * id.length;
  const timeBytes = (createdAt ? MAX_VARINT_BYTES : 0) + (savedAt ? MAX_VARINT_BYTES : 0);
  return idBytes + timeBytes + data.length + rest.length + 2 * MAX_TAG_BYTES + MAX_ORDER_BYTES;
}

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
  readonly #order = new Column();
  #last: GroupEncoder | undefined;
  #count = 0;
  #maxBytes = 0;

  /** How many tasks there are. */
  get count(): number {
    return this.#count;
  }

  /** The most bytes that the batch can have with this row. */
  maxBytesWith(row: BatchRow): number {
    return this.#maxBytes + maxRowBytes(row) + maxGroupBytes(row);
  }

  add(row: BatchRow): void {
    const group = this.#last?.takes(row) ? this.#last : this.#groupOf(row);
    this.#last = group;
    group.add(row);
    this.#order.varint(group.index);
    this.#count++;
    this.#maxBytes += maxRowBytes(row);
  }

  /** The batch's bytes, in an array of their own; behind their length, if asked for. Throws TOO_LARGE over `maxBytes`. */
  encode(maxBytes: number, withLength: boolean): Uint8Array<ArrayBuffer> {
    const fields = [...this.#groups.values()].map((group) => fieldOf(tags.groups, group.encode()));
    if (fields.length > 1) fields.push(fieldOf(tags.order, [this.#order.bytes]));
    const size = sizeOf(fields.flat());
    checkBatchBytes(size, maxBytes);
    return join(withLength ? [varint(size), ...fields.flat()] : fields.flat());
  }

  #groupOf(row: BatchRow): GroupEncoder {
    const { taskList, typeUrl } = row;
    const columns = [row.hasUuid, row.createdAt, row.savedAt].map((value) => (value ? "+" : "-")).join("");
    const key = `${columns} ${typeUrl.length} ${typeUrl}${taskList}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new GroupEncoder(this.#groups.size, row);
      this.#groups.set(key, group);
      this.#maxBytes += maxGroupBytes(row);
    }
    return group;
  }
}

class GroupEncoder {
  readonly index: number;
  readonly #first: BatchRow;
  readonly #ids = new Column();
  readonly #data = new Column();
  readonly #createdAt = new TimeColumn();
  readonly #savedAt = new TimeColumn();
  readonly #rest = new Column();
  /** Whether what is left is the same in all tasks. */
  #isAlike = true;

  constructor(index: number, first: BatchRow) {
    this.index = index;
    this.#first = first;
  }

  /** Whether the row is of this group. */
  takes({ taskList, typeUrl, hasUuid, createdAt, savedAt }: BatchRow): boolean {
    const first = this.#first;
    const hasSameColumns = hasUuid === first.hasUuid && !createdAt === !first.createdAt && !savedAt === !first.savedAt;
    return hasSameColumns && taskList === first.taskList && typeUrl === first.typeUrl;
  }

  add({ id, hasUuid, data, createdAt, savedAt, rest }: BatchRow): void {
    if (hasUuid) writeUuid(this.#ids.take(UUID_BYTES), id);
    else this.#ids.text(tags.ids, id);
    this.#data.blob(tags.data, data);
    if (createdAt) this.#createdAt.add(createdAt);
    if (savedAt) this.#savedAt.add(savedAt);
    this.#rest.blob(tags.rest, rest);
    this.#isAlike &&= isSame(rest, this.#first.rest);
  }

  /** In parts, in the order of the fields' numbers. */
  encode(): Uint8Array[] {
    const { hasUuid, createdAt, savedAt } = this.#first;
    const shared = this.#encodeShared();
    return [
      ...fieldOf(tags.shared, [shared.bytes]),
      ...(hasUuid ? fieldOf(tags.uuids, [this.#ids.bytes]) : [this.#ids.bytes]),
      this.#data.bytes,
      ...(createdAt ? fieldOf(tags.createdAt, [this.#createdAt.bytes]) : []),
      ...(savedAt ? fieldOf(tags.savedAt, [this.#savedAt.bytes]) : []),
      ...(shared.coversRest ? [] : [this.#rest.bytes]),
    ];
  }

  /** What is left in all tasks alike is shared, if it fits. */
  #encodeShared(): { readonly bytes: Uint8Array; readonly coversRest: boolean } {
    const { taskList, typeUrl, rest } = this.#first;
    const shared = create(TaskEnvelopeSchema, { taskList });
    if (isShareable(typeUrl)) shared.data = packData(typeUrl, noBytes);
    const bytes = encodeEnvelope(shared, Infinity);
    if (!this.#isAlike || rest.length === 0) return { bytes, coversRest: this.#isAlike };
    const all = toBinary(TaskEnvelopeSchema, mergeFromBinary(TaskEnvelopeSchema, shared, rest));
    return all.length > MAX_SHARED_BYTES ? { bytes, coversRest: false } : { bytes: all, coversRest: true };
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && (a.length === 0 || Buffer.compare(a, b) === 0);
}

function fieldOf(tag: number, parts: readonly Uint8Array[]): Uint8Array[] {
  return [varint(tag), varint(sizeOf(parts)), ...parts];
}

function varint(value: number): Uint8Array {
  const column = new Column();
  column.varint(value);
  return column.bytes;
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
