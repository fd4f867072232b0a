import { clone, create, fromBinary, type Message, mergeFromBinary } from "@bufbuild/protobuf";
import type { Any, Timestamp } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { checkEnvelope } from "../envelope/check.js";
import { type DataReader, readEnvelope } from "../envelope/decode.js";
import { packData } from "../envelope/envelope.js";
import { describeValue, TaskError } from "../errors.js";
import { catchFallback } from "../wire/fallback.js";
import { decode, type MessageCodec } from "../wire/message-codec.js";
import { noBytes, Reader } from "../wire/reader.js";
import { type BatchColumns, type GroupColumns, readColumns, type Stretch } from "./batch-columns.js";
import { checkBatchBytes, checkBatchTasks, invalidBatch, MAX_SHARED_BYTES } from "./batch-limits.js";
import { Times } from "./times.js";
import { readUuid, UUID_BYTES } from "./uuid.js";

type FullEnvelope = TaskEnvelope & { data: Any };

/**
 * The envelopes of a `taskledger.v1.TaskBatch`, made one by one; batch.proto says how. The data is read along with each
 * where `reader` has a codec; otherwise its value is a part of these bytes: who keeps it copies it. Throws at once
 * TOO_LARGE over `maxBytes` or 10,000 tasks, and INVALID_BATCH for what is no batch; and in its place INVALID_ENVELOPE for
 * a task that breaks the rules of the protocol.
 */
export function decodeBatch(bytes: Uint8Array, maxBytes: number, reader?: DataReader): Iterable<FullEnvelope> {
  if (!(bytes instanceof Uint8Array)) throw invalidBatch(`expected a Uint8Array, got ${describeValue(bytes)}`);
  checkBatchBytes(bytes.length, maxBytes);
  const columns = readColumns(bytes);
  checkColumns(columns);
  const groups = columns.groups.map((group, i) => new GroupReader(`groups[${i}]`, group, columns.bytes, reader));
  return envelopesOf(groups, columns.order);
}

function checkColumns({ groups, order }: BatchColumns): void {
  const count = groups.reduce((sum, group) => sum + countOf(group), 0);
  checkBatchTasks(count);
  for (const [i, group] of groups.entries()) checkGroup(`groups[${i}]`, group);
  checkOrder(groups, order, count);
}

function countOf({ data }: GroupColumns): number {
  return data.length / 2;
}

function checkGroup(path: string, group: GroupColumns): void {
  const count = countOf(group);
  if (count === 0) throw invalidBatch("a group has no task", `${path}.data`);
  const { ids, uuids, createdAt = [], savedAt = [] } = group;
  const uuidBytes = uuids ? uuids.end - uuids.start : 0;
  const hasIds = ids.length > 0 ? ids.length === count && uuidBytes === 0 : uuidBytes === UUID_BYTES * count;
  if (!hasIds) throw invalidBatch(`the group has ${count} tasks and not as many ids`, `${path}.ids`);
  const lengths = { createdAt: createdAt.length, savedAt: savedAt.length, rest: group.rest.length / 2 };
  for (const [name, length] of Object.entries(lengths))
    if (length !== 0 && length !== count)
      throw invalidBatch(`the group has ${count} tasks and ${length} entries in ${name}`, `${path}.${name}`);
}

function checkOrder(groups: readonly GroupColumns[], order: readonly number[], count: number): void {
  if (order.length === 0 && groups.length <= 1) return;
  const left = groups.map(countOf);
  for (const group of order) (left[group] as number)--;
  const fits = order.length === count && left.every((each) => each === 0);
  if (!fits) throw invalidBatch("the order does not name each group once for each of its tasks", "order");
}

function* envelopesOf(
  groups: readonly GroupReader[],
  order: readonly number[],
): Generator<FullEnvelope, void, undefined> {
  if (order.length > 0) for (const index of order) yield (groups[index] as GroupReader).next();
  else for (const group of groups) while (!group.ended) yield group.next();
}

/** Makes the envelopes of a group. */
class GroupReader {
  readonly #columns: GroupColumns;
  readonly #bytes: Uint8Array;
  readonly #shared: TaskEnvelope;
  readonly #typeUrl: string;
  readonly #createdAt: Times | undefined;
  readonly #savedAt: Times | undefined;
  readonly #dataReader: DataReader | undefined;
  readonly #codec: MessageCodec | undefined;
  readonly #reader = new Reader();
  #next = 0;

  constructor(path: string, columns: GroupColumns, bytes: Uint8Array, dataReader: DataReader | undefined) {
    this.#columns = columns;
    this.#bytes = bytes;
    this.#shared = readShared(path, bytes, columns.shared);
    this.#typeUrl = this.#shared.data?.typeUrl ?? "";
    this.#createdAt = timesOf(columns.createdAt);
    this.#savedAt = timesOf(columns.savedAt);
    this.#dataReader = dataReader;
    this.#codec = dataReader?.codecOf(this.#typeUrl);
  }

  get ended(): boolean {
    return this.#next === countOf(this.#columns);
  }

  next(): FullEnvelope {
    const i = this.#next++;
    const envelope = this.#begin(i) ?? this.#merge(i);
    checkEnvelope(envelope, "INVALID_ENVELOPE");
    return envelope;
  }

  /** Undefined where protobuf-es must put the envelope together. */
  #begin(i: number): TaskEnvelope | undefined {
    const shared = this.#shared;
    if (shared.createdAt || shared.savedAt || shared.$unknown) return undefined;
    const rest = this.#restAt(i);
    const read = rest.length > 0 ? readPlainRest(rest, shared) : shared;
    if (read === undefined) return undefined;
    const headers = read === shared ? { ...shared.headers } : read.headers;
    const data = packData(this.#typeUrl, noBytes);
    this.#readData(data, i);
    const { taskList } = shared;
    return withTimes(
      { $typeName: shared.$typeName, taskList, id: this.#idAt(i), attempt: read.attempt, headers, data },
      this.#createdAt?.next(),
      this.#savedAt?.next(),
    );
  }

  #merge(i: number): TaskEnvelope {
    const shared = clone(TaskEnvelopeSchema, this.#shared);
    const data = packData(this.#typeUrl, partOf(this.#bytes, this.#columns.data, i));
    if (this.#dataReader) this.#dataReader.message = undefined;
    const envelope: FullEnvelope = Object.assign(shared, { id: this.#idAt(i), data });
    if (this.#createdAt) envelope.createdAt = this.#createdAt.next();
    if (this.#savedAt) envelope.savedAt = this.#savedAt.next();
    mergeRest(envelope, this.#restAt(i));
    return envelope;
  }

  #restAt(i: number): Uint8Array {
    const { rest } = this.#columns;
    return rest.length === 0 ? noBytes : partOf(this.#bytes, rest, i);
  }

  #idAt(i: number): string {
    const { ids, uuids } = this.#columns;
    return ids[i] ?? readUuid(this.#bytes, (uuids as Stretch).start + UUID_BYTES * i);
  }

  #readData(data: Any, i: number): void {
    const message = this.#codec && this.#tryReading(this.#codec, i);
    if (this.#dataReader) this.#dataReader.message = message;
    if (message === undefined) data.value = partOf(this.#bytes, this.#columns.data, i);
  }

  /** Undefined where the codec leaves the data to protobuf-es. */
  #tryReading(codec: MessageCodec, i: number): Message | undefined {
    const { data } = this.#columns;
    try {
      this.#reader.start(this.#bytes, data[2 * i] as number);
      return codec.read(this.#reader, data[2 * i + 1] as number);
    } catch (error) {
      return catchFallback(error);
    }
  }
}

/** V8 keeps objects as dictionaries, and slowly, that get many properties one by one: most tasks have both times. */
function withTimes(
  envelope: FullEnvelope,
  createdAt: Timestamp | undefined,
  savedAt: Timestamp | undefined,
): FullEnvelope {
  if (createdAt && savedAt) {
    const { $typeName, taskList, id, attempt, headers, data } = envelope;
    return { $typeName, taskList, id, attempt, headers, data, createdAt, savedAt };
  }
  if (createdAt) envelope.createdAt = createdAt;
  if (savedAt) envelope.savedAt = savedAt;
  return envelope;
}

function partOf(bytes: Uint8Array, column: readonly number[], i: number): Uint8Array {
  const start = column[2 * i] as number;
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, (column[2 * i + 1] as number) - start);
}

function timesOf(differences: readonly (number | bigint)[] | undefined): Times | undefined {
  return differences?.length ? new Times(differences) : undefined;
}

function readShared(path: string, bytes: Uint8Array, stretch: Stretch | undefined): TaskEnvelope {
  if (stretch === undefined) return create(TaskEnvelopeSchema);
  const { start, end } = stretch;
  const field = `${path}.shared`;
  if (end - start > MAX_SHARED_BYTES) throw invalidBatch(`shared has more than ${MAX_SHARED_BYTES} bytes`, field);
  const part = bytes.subarray(start, end);
  try {
    return decode(part, readEnvelope, undefined) ?? fromBinary(TaskEnvelopeSchema, new Uint8Array(part));
  } catch (cause) {
    throw invalidBatch(`shared is no taskledger.v1.TaskEnvelope: ${(cause as Error).message}`, field, cause);
  }
}

/** A rest that has an attempt and headers and nothing else, where none are shared: the most usual one. */
function readPlainRest(rest: Uint8Array, shared: TaskEnvelope): TaskEnvelope | undefined {
  if (shared.attempt !== 0) return undefined;
  for (const _ in shared.headers) return undefined;
  const read = decode(rest, readEnvelope, undefined);
  if (read === undefined || read.taskList !== "" || read.id !== "") return undefined;
  return read.data || read.createdAt || read.savedAt ? undefined : read;
}

function mergeRest(envelope: TaskEnvelope, rest: Uint8Array): void {
  try {
    mergeFromBinary(TaskEnvelopeSchema, envelope, new Uint8Array(rest));
  } catch (cause) {
    const reason = `what the columns do not have is no taskledger.v1.TaskEnvelope: ${(cause as Error).message}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { taskList: envelope.taskList, id: envelope.id, cause });
  }
}
