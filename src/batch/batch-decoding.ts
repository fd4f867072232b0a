import { fromBinary } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { TaskBatchSchema } from "../../gen/taskledger/v1/batch_pb.js";
import { expectedBytes, isEnvelope } from "../core/bytes-advice.js";
import type { TaskError } from "../core/errors.js";
import { isBytes } from "../core/values.js";
import type { DataReader } from "../envelope/decode.js";
import type { FullEnvelope } from "../envelope/envelope.js";
import { catchFallback, refuse } from "../wire/fallback.js";
import { Reader } from "../wire/reader.js";
import { checkBatchBytes, invalidBatch, MAX_BATCH_TASKS, tooManyTasks, unknownField } from "./batch-limits.js";
import { Group } from "./group.js";

// A batch (batch.proto) is read in three steps: its bytes are read through, and become groups; these are checked; and each is
// transposed, so that it gives one envelope after the other.

/**
 * Reads a batch. Returns a function that gives the envelope of the next task, and undefined after all of them; a generator would
 * make an object more for each. The data is read along with its envelope, as `readValue` does. Envelopes of a group share its
 * headers, which are frozen.
 *
 * @throws TOO_LARGE (over `maxBytes` or 10,000 tasks) and INVALID_BATCH at once; INVALID_ENVELOPE in the place of an envelope that
 *   breaks the rules of the protocol.
 */
export function decodeBatch(
  bytes: Uint8Array,
  maxBytes: number,
  reader: DataReader | undefined,
): () => FullEnvelope | undefined {
  if (!isBytes(bytes)) throw invalidBatch(expectedBytes(bytes));
  if (isEnvelope(bytes)) throw invalidBatch("the bytes are not a batch but one task: read it with fromBinary");
  checkBatchBytes(bytes.length, maxBytes);
  const batch = parse(bytes);
  checkBatch(batch);
  const { groups, order } = batch;
  let given = 0;
  return () => {
    const group = groups[order.length > 0 ? (order[given++] as number) : 0];
    return group && group.left > 0 ? group.next(columns, reader) : undefined;
  };
}

interface Batch {
  readonly groups: readonly Group[];
  /** The group of each task; empty if there is only one group. */
  readonly order: readonly number[];
}

/** Of all batches; `reader` reads the data. */
const columns = new Reader();

function parse(bytes: Uint8Array): Batch {
  columns.start(bytes, 0, bytes.length);
  try {
    return readBatch(columns);
  } catch (error) {
    catchFallback(error);
    throw notABatch(bytes);
  } finally {
    columns.stop();
  }
}

function readBatch(r: Reader): Batch {
  const groups: Group[] = [];
  const order: number[] = [];
  while (r.pos < r.last) {
    const number = r.field();
    const wireType = r.tag & 7;
    if (number === 16 && wireType === WireType.LengthDelimited) groups.push(new Group(r, r.limit(), groups.length));
    else if (number === 17 && (wireType === WireType.LengthDelimited || wireType === WireType.Varint))
      readOrder(r, order);
    else throw unknownField(number, undefined);
    if (groups.length > MAX_BATCH_TASKS || order.length > MAX_BATCH_TASKS) throw tooManyTasks();
  }
  r.finish();
  return { groups, order };
}

/** Refuses a last number that ends later than the field. */
function readOrder(r: Reader, order: number[]): void {
  const isPacked = (r.tag & 7) === WireType.LengthDelimited;
  const end = r.numbers();
  while (r.pos < end) order.push(r.uint32());
  if (isPacked && r.pos > end) refuse();
}

function notABatch(bytes: Uint8Array): TaskError {
  const what = "the bytes are not a taskledger.v1.TaskBatch";
  try {
    fromBinary(TaskBatchSchema, bytes);
    return invalidBatch(what);
  } catch (cause) {
    return invalidBatch(`${what}: ${(cause as Error).message}`, undefined, cause);
  }
}

function checkBatch(batch: Batch): void {
  const { groups } = batch;
  if (groups.reduce((sum, { size }) => sum + size, 0) > MAX_BATCH_TASKS) throw tooManyTasks();
  for (const group of groups) group.check();
  checkOrder(batch);
}

function checkOrder({ groups, order }: Batch): void {
  if (order.length === 0 && groups.length <= 1) return;
  const left = groups.map((group) => group.left);
  const takeOne = (group: number) => group < left.length && (left[group] as number)-- > 0;
  const fits = order.every(takeOne) && left.every((count) => count === 0);
  if (!fits) throw invalidBatch("the order does not name each group once for each of its tasks", "order");
}
