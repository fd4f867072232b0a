import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type TaskBatch, TaskBatchSchema, type TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { isTaskError } from "../errors.js";
import { catchFallback, fallBack } from "../wire/fallback.js";
import { Reader } from "../wire/reader.js";
import { invalidBatch, MAX_BATCH_TASKS, tooManyTasks } from "./batch-limits.js";
import { tags } from "./batch-tags.js";

/** A stretch of a batch's bytes. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** A group's columns as they lie in the bytes of the batch. `data` and `rest` have two numbers an entry: start and end. */
export class GroupColumns {
  shared: Stretch | undefined = undefined;
  readonly ids: string[] = [];
  uuids: Stretch | undefined = undefined;
  readonly data: number[] = [];
  createdAt: (number | bigint)[] | undefined = undefined;
  savedAt: (number | bigint)[] | undefined = undefined;
  readonly rest: number[] = [];
}

export interface BatchColumns {
  readonly bytes: Uint8Array;
  readonly groups: readonly GroupColumns[];
  readonly order: readonly number[];
}

/**
 * Finds the columns of a batch, without looking whether they fit each other. Throws INVALID_BATCH for what is no batch or
 * has an unknown field, and TOO_LARGE for one that surely has more than 10,000 tasks, before it takes much memory.
 */
export function readColumns(bytes: Uint8Array): BatchColumns {
  try {
    return new ColumnReader(bytes).read();
  } catch (error) {
    if (isTaskError(error)) throw error;
    catchFallback(error);
    return new ColumnReader(normalize(bytes)).read();
  }
}

/** What is unusual, or wrong, is left to protobuf-es: the same batch as it writes it. */
function normalize(bytes: Uint8Array): Uint8Array {
  try {
    countEntries(new BinaryReader(bytes));
    const batch = fromBinary(TaskBatchSchema, bytes);
    checkKnown(undefined, batch);
    for (const [i, group] of batch.groups.entries()) checkKnown(`groups[${i}]`, group);
    return toBinary(TaskBatchSchema, batch);
  } catch (cause) {
    if (isTaskError(cause)) throw cause;
    throw invalidBatch(`the bytes are no taskledger.v1.TaskBatch: ${(cause as Error).message}`, undefined, cause);
  }
}

/** A field that is not known here may be a column without which the tasks would not be whole. */
function checkKnown(field: string | undefined, { $unknown }: TaskBatch | TaskGroup): void {
  const [unknown] = $unknown ?? [];
  if (unknown) throw invalidBatch(`it has the field ${unknown.no}, which this version does not know`, field);
}

/** More fields than this no batch has that keeps the limit: one for each column and task, one for each group. */
const MAX_ENTRIES = 8 * MAX_BATCH_TASKS;

function countEntries(reader: BinaryReader): void {
  let count = 0;
  let groupEnd = 0;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (++count > MAX_ENTRIES) throw tooManyTasks();
    const isGroup = reader.pos > groupEnd && number === 16 && wireType === WireType.LengthDelimited;
    if (isGroup) groupEnd = reader.uint32() + reader.pos;
    else reader.skip(wireType, number);
  }
}

/** Reads what every writer writes; falls back for all else. */
class ColumnReader {
  readonly #reader = new Reader();
  readonly #end: number;
  #entries = 0;

  constructor(bytes: Uint8Array) {
    this.#reader.start(bytes, 0);
    this.#end = bytes.length;
  }

  read(): BatchColumns {
    const r = this.#reader;
    const end = this.#end;
    const groups: GroupColumns[] = [];
    const order: number[] = [];
    while (r.pos < end)
      switch (r.tag()) {
        case tags.groups:
          this.#count();
          groups.push(this.#readGroup(r.limit(end)));
          break;
        case tags.order:
          for (const limit = r.limit(end); r.isBefore(limit); ) order.push(r.uint32());
          break;
        default:
          fallBack();
      }
    r.end(end);
    return { bytes: r.bytes, groups, order };
  }

  #readGroup(end: number): GroupColumns {
    const r = this.#reader;
    const group = new GroupColumns();
    while (r.pos < end) this.#readColumn(group, r.tag(), end);
    r.end(end);
    return group;
  }

  #readColumn(group: GroupColumns, tag: number, end: number): void {
    const r = this.#reader;
    switch (tag) {
      case tags.shared:
        if (group.shared) fallBack();
        group.shared = this.#stretch(end);
        break;
      case tags.ids:
        this.#count();
        group.ids.push(r.string(end));
        break;
      case tags.uuids:
        if (group.uuids) fallBack();
        group.uuids = this.#stretch(end);
        break;
      case tags.data:
        this.#entry(group.data, end);
        break;
      case tags.createdAt:
        group.createdAt = this.#differences(group.createdAt, end);
        break;
      case tags.savedAt:
        group.savedAt = this.#differences(group.savedAt, end);
        break;
      case tags.rest:
        this.#entry(group.rest, end);
        break;
      default:
        fallBack();
    }
  }

  #count(): void {
    if (++this.#entries > MAX_ENTRIES) throw tooManyTasks();
  }

  #stretch(end: number): Stretch {
    const r = this.#reader;
    const limit = r.limit(end);
    const stretch = { start: r.pos, end: limit };
    r.pos = limit;
    return stretch;
  }

  #entry(column: number[], end: number): void {
    this.#count();
    const r = this.#reader;
    const limit = r.limit(end);
    column.push(r.pos, limit);
    r.pos = limit;
  }

  #differences(before: (number | bigint)[] | undefined, end: number): (number | bigint)[] {
    const r = this.#reader;
    const all = before ?? [];
    for (const limit = r.limit(end); r.isBefore(limit); ) all.push(readDifference(r));
    return all;
  }
}

/** A sint64; a bigint where it has more than 49 bits. */
function readDifference(reader: Reader): number | bigint {
  const { bytes, pos } = reader;
  let zigzag = 0;
  let scale = 1;
  for (let i = 0; i < 7; i++) {
    const byte = bytes[pos + i] as number;
    zigzag += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    reader.pos = pos + i + 1;
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
  return reader.sint64();
}
