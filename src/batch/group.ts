import { fromBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { TaskError } from "../core/errors.js";
import { checkEnvelope } from "../envelope/check.js";
import { type DataReader, place, readEnvelope, readFields, readValue } from "../envelope/decode.js";
import { encodeEnvelope } from "../envelope/encode.js";
import { type FullEnvelope, noHeaders, packData } from "../envelope/envelope.js";
import { noBytes } from "../wire/byte-copies.js";
import { catchFallback } from "../wire/fallback.js";
import type { Reader } from "../wire/reader.js";
import { invalidBatch, MAX_SHARED_BYTES, unknownField } from "./batch-limits.js";
import { readUuid, UUID_BYTES } from "./columns.js";
import { Column, Times } from "./group-columns.js";

/**
 * A group of a batch. It is read through once, to check it; then its columns are followed through the bytes, so that nothing is
 * made but the tasks that are asked for.
 */
export class Group {
  /** The number of tasks that are left. */
  left = 0;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #index: number;
  readonly #ids: Column;
  readonly #data: Column;
  /** The columns that a group may lack. */
  #createdAt: Times | undefined;
  #savedAt: Times | undefined;
  #rest: Column | undefined;
  #uuids = 0;
  #uuidsEnd = 0;
  /** What its tasks share, also the data without its value; `readValue` gives a task data of its own if it needs the value. */
  #shared: TaskEnvelope = empty;
  #sharedBytes = 0;

  /** Reads through the group between the reader's position and `end`. Throws INVALID_BATCH. */
  constructor(r: Reader, end: number, index: number) {
    this.#bytes = r.bytes;
    this.#start = r.pos;
    this.#end = end;
    this.#index = index;
    this.#ids = new Column(2, r.pos);
    this.#data = new Column(4, r.pos);
    const outer = r.narrow(end);
    while (r.pos < end) this.#readField(r);
    r.widen(outer);
    this.left = this.#data.count;
  }

  /** The number of tasks that it claims to have: the length of its longest column. */
  get size(): number {
    const times = Math.max(countOf(this.#createdAt), countOf(this.#savedAt));
    return Math.max(1, this.#data.count, this.#ids.count, times, countOf(this.#rest));
  }

  get #path(): string {
    return `groups[${this.#index}]`;
  }

  #readField(r: Reader): void {
    const number = r.field();
    if (!hasItsType(r.tag)) throw unknownField(number, this.#path);
    switch (number) {
      case 1:
        this.#readShared(r);
        break;
      case 2:
        this.#ids.count++;
        r.string();
        break;
      case 3:
        this.#uuidsEnd = r.limit();
        this.#uuids = r.pos;
        r.pos = this.#uuidsEnd;
        break;
      case 4:
        this.#data.count++;
        r.pos = r.limit();
        break;
      case 5:
        this.#createdAt ??= new Times(5, this.#start);
        if (!this.#createdAt.pass(r)) throw tooLong(`${this.#path}.createdAt`);
        break;
      case 6:
        this.#savedAt ??= new Times(6, this.#start);
        if (!this.#savedAt.pass(r)) throw tooLong(`${this.#path}.savedAt`);
        break;
      case 7:
        this.#rest ??= new Column(7, this.#start);
        this.#rest.count++;
        r.pos = r.limit();
        break;
      default:
        throw unknownField(number, this.#path);
    }
  }

  #readShared(r: Reader): void {
    const end = r.limit();
    this.#sharedBytes += end - r.pos;
    const outer = r.narrow(end);
    this.#shared = readEnvelope(r, end, this.#shared === empty ? undefined : this.#shared);
    r.widen(outer);
  }

  /** Throws INVALID_BATCH if the columns do not fit each other, or the tasks share too much. */
  check(): void {
    const { count } = this.#data;
    if (count === 0) throw invalidBatch("a group has no task", `${this.#path}.data`);
    const uuidBytes = this.#uuidsEnd - this.#uuids;
    const hasIds =
      this.#ids.count > 0 ? this.#ids.count === count && uuidBytes === 0 : uuidBytes === UUID_BYTES * count;
    if (!hasIds) throw invalidBatch(`the group has ${count} tasks and not as many ids`, `${this.#path}.ids`);
    this.#checkCount("createdAt", this.#createdAt);
    this.#checkCount("savedAt", this.#savedAt);
    this.#checkCount("rest", this.#rest);
    this.#createdAt?.rewind();
    this.#savedAt?.rewind();
    if (this.#shared !== empty) this.#checkShared(this.#shared);
  }

  #checkCount(name: string, column: Column | undefined): void {
    const count = countOf(column);
    if (count === 0 || count === this.left) return;
    throw invalidBatch(`the group has ${this.left} tasks and ${count} entries in ${name}`, `${this.#path}.${name}`);
  }

  /** Few bytes per task must not become many: what tasks share is not copied for each, nor merged with a task's rest. */
  #checkShared(shared: TaskEnvelope): void {
    const path = `${this.#path}.shared`;
    // Encoded anew it has at most as many bytes.
    const size = this.#sharedBytes > MAX_SHARED_BYTES ? encodeEnvelope(shared, Infinity).length : 0;
    if (size > MAX_SHARED_BYTES) throw invalidBatch(`it has ${size} bytes; the limit is ${MAX_SHARED_BYTES}`, path);
    if (this.#rest && hasMore(shared))
      throw invalidBatch("a group with entries in rest can share no more than a list and a type", path);
    shared.data = packData(shared.data?.typeUrl ?? "", noBytes);
    shared.headers = isEmpty(shared.headers) ? noHeaders : Object.freeze(shared.headers);
  }

  /** The envelope of the next task. Its data is read if `reader` has a codec; otherwise its value is a part of the batch's bytes. */
  next(r: Reader, reader: DataReader | undefined): FullEnvelope {
    r.start(this.#bytes, 0, this.#end);
    try {
      const envelope = this.#transpose(r);
      readValue(this.#bytes, envelope, reader);
      checkEnvelope(envelope, "INVALID_ENVELOPE");
      this.left--;
      return envelope;
    } catch (error) {
      catchFallback(error);
      throw invalidBatch("its bytes have changed since it was checked", this.#path);
    } finally {
      r.stop();
    }
  }

  #transpose(r: Reader): FullEnvelope {
    const { $typeName, taskList, data, createdAt, savedAt, attempt, headers, $unknown } = this.#shared as FullEnvelope;
    const envelope = {
      $typeName,
      taskList,
      id: this.#nextId(r),
      data: this.#rest ? packData(data.typeUrl, noBytes) : data,
      createdAt: this.#createdAt?.nextTime(r) ?? createdAt,
      savedAt: this.#savedAt?.nextTime(r) ?? savedAt,
      attempt,
      headers,
      $unknown,
    } as FullEnvelope; // Without unknown fields, $unknown is undefined: to add it later would take more memory.
    place.end = this.#data.next(r);
    place.start = r.pos;
    if (this.#rest) addRest(r, envelope, this.#rest.next(r));
    return envelope;
  }

  #nextId(r: Reader): string {
    if (this.#ids.count === 0) return readUuid(r.bytes, this.#uuidsEnd - UUID_BYTES * this.left);
    this.#ids.seek(r);
    const id = r.string();
    this.#ids.at = r.pos;
    return id;
  }
}

/**
 * Whether a field is of the wire type that its number has: others are unknown fields. They must be refused, since a column skips
 * what is of other columns by their wire types.
 */
function hasItsType(tag: number): boolean {
  const wireType = tag & 7;
  return wireType === WireType.LengthDelimited || (wireType === WireType.Varint && TIMES.has(tag >>> 3));
}

/** The columns of numbers, which need not be packed. */
const TIMES: ReadonlySet<number> = new Set([5, 6]);

function tooLong(path: string): TaskError {
  return invalidBatch("the differences add up to more than 64 bits", path);
}

function countOf(column: Column | undefined): number {
  return column?.count ?? 0;
}

/** Merges an envelope with the fields that the columns do not have, up to a position. */
function addRest(r: Reader, envelope: FullEnvelope, end: number): void {
  const start = r.pos;
  r.start(r.bytes, start, end);
  try {
    readFields(r, end, envelope);
    r.finish();
  } catch (error) {
    catchFallback(error);
    throw invalidRest(envelope, r.bytes.subarray(start, end));
  }
}

const empty: FullEnvelope = {
  $typeName: "taskledger.v1.TaskEnvelope",
  taskList: "",
  id: "",
  data: packData("", noBytes),
  attempt: 0,
  headers: noHeaders,
};

function isEmpty(headers: Record<string, string>): boolean {
  for (const _ in headers) return false;
  return true;
}

/** Whether an envelope has any field but its list and data. */
function hasMore({ id, attempt, createdAt, savedAt, headers, $unknown }: TaskEnvelope): boolean {
  return id !== "" || attempt !== 0 || !!createdAt || !!savedAt || !!$unknown || !isEmpty(headers);
}

function invalidRest({ taskList, id }: TaskEnvelope, rest: Uint8Array): TaskError {
  const key = { taskList, id };
  const what = "what the columns do not have is no taskledger.v1.TaskEnvelope";
  try {
    fromBinary(TaskEnvelopeSchema, rest);
    return new TaskError("INVALID_ENVELOPE", what, key);
  } catch (cause) {
    return new TaskError("INVALID_ENVELOPE", `${what}: ${(cause as Error).message}`, { ...key, cause });
  }
}
