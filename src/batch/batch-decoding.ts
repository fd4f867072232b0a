import { clone, create, fromBinary, mergeFromBinary, toBinary } from "@bufbuild/protobuf";
import type { Any, Timestamp } from "@bufbuild/protobuf/wkt";
import { type TaskBatch, TaskBatchSchema, type TaskGroup } from "../../gen/taskledger/v1/batch_pb.js";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { checkEnvelope, packData } from "../envelope.js";
import { describeValue, TaskError } from "../errors.js";
import { microsToTimestamp, uuidAt } from "./batch-layout.js";
import { checkBatchBytes, checkBatchTasks, MAX_SHARED_BYTES } from "./batch-limits.js";

/**
 * The envelopes of a `taskledger.v1.TaskBatch`, made one by one; batch.proto says how. They share no memory with the
 * bytes. Throws at once TOO_LARGE over `maxBytes` or 10,000 tasks, and INVALID_BATCH for what is no batch; and in its
 * place INVALID_ENVELOPE for a task that breaks the rules of the protocol.
 */
export function decodeBatch(bytes: Uint8Array, maxBytes: number): Iterable<TaskEnvelope & { data: Any }> {
  if (!(bytes instanceof Uint8Array)) throw invalidBatch(`expected a Uint8Array, got ${describeValue(bytes)}`);
  checkBatchBytes(bytes.length, maxBytes);
  let batch: TaskBatch;
  try {
    batch = fromBinary(TaskBatchSchema, bytes);
  } catch (cause) {
    throw invalidBatch(`the bytes are no taskledger.v1.TaskBatch: ${(cause as Error).message}`, undefined, cause);
  }
  checkBatch(batch);
  return envelopesOf(batch);
}

function checkBatch({ groups, order, $unknown }: TaskBatch): void {
  const count = groups.reduce((sum, { data }) => sum + data.length, 0);
  checkBatchTasks(count);
  checkKnown("", $unknown);
  for (const [i, group] of groups.entries()) checkGroup(`groups[${i}]`, group);
  checkOrder(groups, order, count);
}

function checkGroup(path: string, { shared, ids, uuids, data, createdAt, savedAt, rest, $unknown }: TaskGroup): void {
  checkKnown(path, $unknown);
  const count = data.length;
  if (count === 0) throw invalidBatch("a group has no task", `${path}.data`);
  const hasIds = ids.length > 0 ? ids.length === count && uuids.length === 0 : uuids.length === 16 * count;
  if (!hasIds) throw invalidBatch(`the group has ${count} tasks and not as many ids`, `${path}.ids`);
  for (const [name, column] of Object.entries({ createdAt, savedAt, rest }))
    if (column.length !== 0 && column.length !== count)
      throw invalidBatch(`the group has ${count} tasks and ${column.length} entries in ${name}`, `${path}.${name}`);
  if (shared && toBinary(TaskEnvelopeSchema, shared).length > MAX_SHARED_BYTES)
    throw invalidBatch(`shared has more than ${MAX_SHARED_BYTES} bytes`, `${path}.shared`);
}

/** A field that is not known here may be a column without which the tasks would not be whole. */
function checkKnown(path: string, unknown: TaskBatch["$unknown"]): void {
  if (unknown?.length) throw invalidBatch(`it has the field ${unknown[0]?.no}, which this version does not know`, path);
}

function checkOrder(groups: readonly TaskGroup[], order: readonly number[], count: number): void {
  if (order.length === 0 && groups.length <= 1) return;
  const left = groups.map(({ data }) => data.length);
  for (const group of order) (left[group] as number)--;
  const fits = order.length === count && left.every((each) => each === 0);
  if (!fits) throw invalidBatch("the order does not name each group once for each of its tasks", "order");
}

function* envelopesOf({ groups, order }: TaskBatch): Generator<TaskEnvelope & { data: Any }, void, undefined> {
  const readers = groups.map((group) => new GroupReader(group));
  if (order.length > 0) for (const index of order) yield (readers[index] as GroupReader).next();
  else for (const reader of readers) while (!reader.ended) yield reader.next();
}

class GroupReader {
  readonly #group: TaskGroup;
  readonly #shared: TaskEnvelope;
  readonly #createdAt: Times;
  readonly #savedAt: Times;
  #next = 0;

  constructor(group: TaskGroup) {
    this.#group = group;
    this.#shared = group.shared ?? create(TaskEnvelopeSchema);
    this.#createdAt = new Times(group.createdAt);
    this.#savedAt = new Times(group.savedAt);
  }

  get ended(): boolean {
    return this.#next === this.#group.data.length;
  }

  next(): TaskEnvelope & { data: Any } {
    const { ids, uuids, data, rest } = this.#group;
    const i = this.#next++;
    const envelope = this.#copyShared();
    envelope.id = ids[i] ?? uuidAt(uuids, 16 * i);
    // The user's data must not change, nor keep the whole batch, when it has views of its bytes.
    envelope.data = packData(this.#shared.data?.typeUrl ?? "", new Uint8Array(data[i] as Uint8Array));
    if (this.#createdAt.exist) envelope.createdAt = this.#createdAt.next();
    if (this.#savedAt.exist) envelope.savedAt = this.#savedAt.next();
    if (rest.length > 0) merge(envelope, rest[i] as Uint8Array);
    checkEnvelope(envelope, "INVALID_ENVELOPE");
    return envelope;
  }

  /** So deep that nothing of it changes when the rest is merged. */
  #copyShared(): TaskEnvelope {
    const shared = this.#shared;
    const { createdAt, savedAt, data, headers, $unknown } = shared;
    const isFlat = !createdAt && !savedAt && !data?.$unknown && !$unknown;
    return isFlat ? { ...shared, headers: { ...headers } } : clone(TaskEnvelopeSchema, shared);
  }
}

/** A column of times. */
class Times {
  readonly #differences: Iterator<bigint>;
  readonly exist: boolean;
  #last = 0n;

  constructor(differences: readonly bigint[]) {
    this.#differences = differences.values();
    this.exist = differences.length > 0;
  }

  next(): Timestamp {
    this.#last += this.#differences.next().value as bigint;
    return microsToTimestamp(this.#last);
  }
}

function merge(envelope: TaskEnvelope, rest: Uint8Array): void {
  try {
    mergeFromBinary(TaskEnvelopeSchema, envelope, new Uint8Array(rest));
  } catch (cause) {
    const reason = `what the columns do not have is no taskledger.v1.TaskEnvelope: ${(cause as Error).message}`;
    throw new TaskError("INVALID_ENVELOPE", reason, { taskList: envelope.taskList, id: envelope.id, cause });
  }
}

function invalidBatch(reason: string, field?: string, cause?: unknown): TaskError {
  return new TaskError("INVALID_BATCH", reason, { field: field || undefined, cause });
}
