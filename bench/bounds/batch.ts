import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { decodeFrames, fromBatch, isTaskError, type Task } from "taskledger";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";
import { FrameReader } from "../../src/batch/frames.js";
import { batch, envelope, repeat } from "../../test/batch/hostile-batches.js";
import { type Context, scaled } from "../benchmark.js";
import { type Row, toRow, valueUnder } from "../row.js";
import { FetchFileTask } from "../tasks.js";
import { cook, describeRecipe, type Recipe, recipeOf } from "./batch-recipes.js";
import { BatchSearch } from "./batch-search.js";
import { costOf, type Input, memoryOf } from "./cost.js";
import { figureNames, figures, tryInput, worstRows } from "./worst.js";

const types = [FetchFileTask, EveryKindTask];

/** The maximum time and memory per byte that was found for a batch, whether it is read or refused. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  yield* search("fromBatch", (batch) => batch, readBatch, context);
  yield* search("decodeFrames", streamOf, readFrames, context);
  yield await announcedFrame(context);
  yield await emptyMessages(context);
}

async function* search(
  name: string,
  inputOf: (batch: Uint8Array) => Uint8Array,
  read: (bytes: Uint8Array) => unknown,
  context: Context,
): AsyncGenerator<Row, void> {
  const toInput = (recipe: Recipe): Input => {
    const bytes = inputOf(cook(recipe));
    return { name: describeRecipe(recipe), length: bytes.length, work: () => read(bytes) };
  };
  const batches = new BatchSearch(scaled(context, 60), (recipe) => tryInput(toInput(recipe), () => toInput(recipe)));
  if (context.shape) await batches.try(recipeOf(context.shape));
  else for (const figure of figureNames) await batches.findWorst(figure);
  yield* worstRows(name, batches.tried, context);
}

async function repeated(context: Context, measure: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < context.rounds; round++) values.push(await measure());
  return values;
}

function readBatch(bytes: Uint8Array): readonly Task[] | Error {
  try {
    return fromBatch(bytes, { types });
  } catch (error) {
    if (isTaskError(error)) return error;
    throw error;
  }
}

/** Enough frames for a measurement. */
function streamOf(batch: Uint8Array): Uint8Array {
  const frame = new BinaryWriter().bytes(batch).finish();
  return repeat(Math.ceil(200_000 / frame.length), frame);
}

async function readFrames(stream: Uint8Array): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  try {
    for await (const task of decodeFrames(chunksOf(stream), { types })) tasks.push(task);
  } catch (error) {
    if (!isTaskError(error)) throw error;
  }
  return tasks;
}

/** In chunks, as from a socket. */
function* chunksOf(stream: Uint8Array): Generator<Uint8Array, void> {
  const CHUNK_BYTES = 16_384;
  for (let at = 0; at < stream.length; at += CHUNK_BYTES) yield stream.subarray(at, at + CHUNK_BYTES);
}

async function announcedFrame(context: Context): Promise<Row> {
  const READERS = 1000;
  const header = new BinaryWriter().uint32(2 ** 20).finish();
  const begin = () => {
    const reader = new FrameReader(2 ** 20);
    return [reader, ...reader.read(header)];
  };
  const beginMany = () => Array.from({ length: READERS }, begin);
  const values = await repeated(context, async () => (await memoryOf(beginMany)).held / READERS);
  const name = "a frame of 1 MiB of which only the length has come: memory";
  return toRow({ name, unit: "bytes", values, goal: valueUnder(1000, "bytes") });
}

/** The memory of an empty message depends on its type, and is added to that of a batch. */
async function emptyMessages(context: Context): Promise<Row> {
  const bytes = batch(envelope("/example.v1.EveryKind"));
  const input = { name: "", length: bytes.length, work: () => readBatch(bytes) };
  const values = await repeated(context, async () => (await costOf(input)).held);
  const { length } = EveryKindTask.schema.fields;
  const name = `fromBatch, an empty message of ${length} fields in each task: ${figures.held.label}`;
  return toRow({ name, unit: figures.held.unit, values });
}
