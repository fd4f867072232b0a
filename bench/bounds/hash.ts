import { create, createRegistry, type DescMessage, fromJson } from "@bufbuild/protobuf";
import { type Context, scaled } from "../benchmark.js";
import type { Row } from "../row.js";
import type { Input } from "./cost.js";
import { type JsonShape, shapesOf } from "./json-shapes.js";
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

type Way = "fromHash" | "build";

/** What protobuf-es alone does instead. */
const libraries = { fromHash: "fromJson", build: "create" } as const;

/** The maximum cost of untrusted JSON, over all shapes that are tried. `JSON.parse` is called by users, and not counted. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  for (const way of ["fromHash", "build"] as const) {
    const usual = await tryAll(way, usualClasses, usualLengths, context);
    yield* worstRows(way, usual, context);
    const wide = await tryAll(way, [everyKind], wideLengths, context);
    const name = `${way} of messages of ${everyKind.schema.fields.length} fields, against ${libraries[way]} alone`;
    const baselineOf = (input: Input) => (input as JsonInput).alone();
    yield* worstRows(name, wide, context, { hasGoals: false, baselineOf });
  }
}

interface JsonInput extends Input {
  alone(): Input;
}

async function tryAll(way: Way, classes: readonly AnyClass[], lengths: Lengths, context: Context): Promise<Tried[]> {
  const all: Tried[] = [];
  for (const taskClass of classes)
    for (const shape of named(shapesOf(taskClass.schema, way === "fromHash" ? "hash" : "init"), context)) {
      const make = (length: number) => toInput(way, taskClass, shape, scaled(context, length));
      all.push(await tryInput(make(lengths.tried), () => makeLongest(lengths, make)));
    }
  return all;
}

function toInput(way: Way, taskClass: AnyClass, shape: JsonShape, length: number): JsonInput {
  const members = shape.text(length);
  const data = JSON.parse(`{${members}}`);
  const read = readerOf(way, taskClass, data);
  const { name } = shape;
  const alone = () => ({ name, length: members.length, work: libraryReaderOf(way, taskClass.schema, data) });
  return { name, length: members.length, work: () => outcomeOf(read), alone };
}

function readerOf(way: Way, taskClass: AnyClass, data: Record<string, unknown>): () => unknown {
  const key = { taskList: "l", id: "i" };
  if (way === "build") return () => taskClass.build({ ...key, ...data });
  return () => taskClass.fromHash({ ...key, data: { "@type": `x/${taskClass.type}`, ...data } });
}

function libraryReaderOf(way: Way, schema: DescMessage, data: Record<string, unknown>): () => unknown {
  const registry = createRegistry(schema);
  const read = () => (way === "build" ? create(schema, data) : fromJson(schema, data as never, { registry }));
  return () => {
    try {
      return read();
    } catch (error) {
      return error;
    }
  };
}
