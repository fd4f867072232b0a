import { fromBinary } from "@bufbuild/protobuf";
import { field, header, join, repeat, text, times, unknown } from "../../test/batch/hostile-batches.js";
import { type Context, scaled } from "../benchmark.js";
import type { Row } from "../row.js";
import { type BinaryShape, binaryShapesOf } from "./binary-shapes.js";
import type { Input } from "./cost.js";
import {
  type AnyClass,
  everyKind,
  type Lengths,
  makeLongest,
  outcomeOf,
  usualClasses,
  usualLengths,
  wideLengths,
} from "./types.js";
import { named, type Tried, tryInput, worstRows } from "./worst.js";

/** The maximum cost of the bytes of one task, over all shapes of its data and its envelope that are tried. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const usual: Tried[] = [];
  for (const taskClass of usualClasses) usual.push(...(await tryAll(taskClass, usualLengths, context)));
  yield* worstRows("fromBinary", usual, context);
  const wide = await tryAll(everyKind, wideLengths, context);
  const name = `fromBinary of messages of ${everyKind.schema.fields.length} fields, against protobuf-es alone`;
  const baselineOf = (input: Input) => (input as BinaryInput).alone();
  yield* worstRows(name, wide, context, { hasGoals: false, baselineOf });
}

interface BinaryInput extends Input {
  alone(): Input;
}

/** Of the envelope itself. */
export const envelopeShapes: readonly BinaryShape[] = [
  { name: "an envelope's headers, one name", bytes: (length) => repeat(Math.ceil(length / 7), header("a")) },
  { name: "an envelope's headers", bytes: (length) => times(Math.ceil(length / 12), (i) => header(i.toString(36))) },
  { name: "an envelope's unknown fields", bytes: (length) => unknown(Math.ceil(length / 3)) },
  { name: "an envelope's lists", bytes: (length) => repeat(Math.ceil(length / 3), text(1, "l")) },
  { name: "an envelope's times", bytes: (length) => repeat(Math.ceil(length / 2), field(4, new Uint8Array())) },
];

async function tryAll(taskClass: AnyClass, lengths: Lengths, context: Context): Promise<Tried[]> {
  const all: Tried[] = [];
  const attempt = async (shape: BinaryShape, isEnvelope: boolean) => {
    const make = (length: number) => toInput(taskClass, shape, scaled(context, length), isEnvelope);
    all.push(await tryInput(make(lengths.tried), () => makeLongest(lengths, make)));
  };
  for (const shape of named(binaryShapesOf(taskClass.schema), context)) await attempt(shape, false);
  for (const shape of named(envelopeShapes, context)) await attempt(shape, true);
  return all;
}

function toInput(taskClass: AnyClass, shape: BinaryShape, length: number, isEnvelope: boolean): BinaryInput {
  const { data, bytes } = taskOf(taskClass, shape.bytes(length), isEnvelope);
  const read = () => taskClass.fromBinary(bytes);
  const readAlone = () => {
    try {
      return fromBinary(taskClass.schema, data);
    } catch (error) {
      return error;
    }
  };
  const { name } = shape;
  return {
    name,
    length: bytes.length,
    work: () => outcomeOf(read),
    alone: () => ({ name, length: bytes.length, work: readAlone }),
  };
}

/** A task that is filled in its envelope, or in its data. */
export function taskOf(
  taskClass: AnyClass,
  filled: Uint8Array,
  isEnvelope: boolean,
): Record<"data" | "bytes", Uint8Array> {
  const data = isEnvelope ? new Uint8Array() : filled;
  const any = join(text(1, `/${taskClass.type}`), field(2, data));
  const bytes = join(text(1, "l"), text(2, "i"), field(3, any), isEnvelope ? filled : new Uint8Array());
  return { data, bytes };
}
