import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { field, hostileBatches, hostileStreams, repeat } from "../../test/batch/hostile-batches.js";
import { cook, describeRecipe, ingredients, type Recipe } from "./batch-recipes.js";
import { envelopeShapes, taskOf } from "./binary.js";
import { binaryShapesOf } from "./binary-shapes.js";
import { shapesOf } from "./json-shapes.js";
import type { AnyClass } from "./types.js";

/** Input for a decoder of another language. It is made when it is measured: all of them at once would fill the memory. */
export interface LanguageInput {
  readonly name: string;
  /** Of about this length; batches have their own. */
  readonly make: (length: number) => Uint8Array;
}

export function* batchInputs(): Generator<LanguageInput, void> {
  for (const [name, bytes] of Object.entries(hostileBatches)) yield { name, make: () => bytes };
  yield { name: "an order in pieces", make: (length) => repeat(Math.ceil(length / 4), field(17, Uint8Array.of(0))) };
  for (const tasks of ["10,000 tasks", "one task"] as const)
    for (const groups of namesOf("groups")) yield* recipes({ tasks, groups });
}

/** Of few tasks in each frame. */
export function* frameInputs(): Generator<LanguageInput, void> {
  for (const [name, bytes] of Object.entries(hostileStreams))
    yield { name, make: (length) => bytes.subarray(0, length) };
  for (const tasks of ["10 tasks", "one task"] as const)
    for (const { name, make } of recipes({ tasks, groups: "one group" }))
      yield { name, make: (length) => streamOf(make(0), length) };
}

/** A task whose data or envelope costs much. */
export function* binaryInputs(classes: readonly AnyClass[]): Generator<LanguageInput, void> {
  for (const each of classes) {
    for (const { name, bytes } of binaryShapesOf(each.schema))
      yield { name, make: (length) => taskOf(each, bytes(length), false).bytes };
    for (const { name, bytes } of envelopeShapes)
      yield { name, make: (length) => taskOf(each, bytes(length), true).bytes };
  }
}

export function* hashInputs(classes: readonly AnyClass[]): Generator<LanguageInput, void> {
  for (const { type, schema } of classes) {
    const hash = (members: string, headers = "") =>
      Buffer.from(`{"taskList":"l","id":"i","headers":{${headers}},"data":{"@type":"x/${type}"${members}}}`);
    for (const { name, text } of shapesOf(schema, "hash")) yield { name, make: (length) => hash(`,${text(length)}`) };
    yield { name: "headers", make: (length) => hash("", headersOf(length)) };
  }
}

/** Tasks that have as few bytes as may be of their own. */
function* recipes(parts: Pick<Recipe, "tasks" | "groups">): Generator<LanguageInput, void> {
  for (const shared of namesOf("shared"))
    for (const times of ["no times", "times"] as const)
      for (const rest of namesOf("rest")) {
        const recipe: Recipe = { ...parts, shared, ids: "short ids", data: "no data", times, rest };
        yield { name: describeRecipe(recipe), make: () => cook(recipe) };
      }
}

function streamOf(batch: Uint8Array, length: number): Uint8Array {
  const frame = new BinaryWriter().bytes(batch).finish();
  return repeat(Math.ceil(length / frame.length), frame);
}

function headersOf(length: number): string {
  return Array.from({ length: Math.ceil(length / 9) }, (_, i) => `"${i.toString(36)}":""`).join(",");
}

function namesOf<K extends keyof typeof ingredients>(kind: K): readonly Recipe[K][] {
  return Object.keys(ingredients[kind]) as Recipe[K][];
}
