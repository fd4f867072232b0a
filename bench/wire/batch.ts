import { deflateRawSync } from "node:zlib";
import { decodeFrames, encodeFrames, toBatch } from "taskledger";
import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { type Row, toRow, valueAtMost } from "../row.js";
import { FetchFileTask } from "../tasks.js";
import { besideEnvelopes } from "./batch-beside-envelopes.js";
import { jsonLine, savedTinyTask, tinyTask } from "./tiny-tasks.js";

const TASKS = 1_000;
const types = [FetchFileTask];

/** The cost of a task in a batch, in bytes and time, compared with JSON, single tasks, and length-delimited envelopes. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  yield* sizes("tiny", list(TASKS, tinyTask));
  yield* sizes("tiny, saved, with default ids", list(TASKS, savedTinyTask));
  yield* speeds(context);
  yield* besideEnvelopes("tiny", list(TASKS, tinyTask), context);
  yield* besideEnvelopes("tiny, saved, with default ids", list(TASKS, savedTinyTask), context);
}

function list(count: number, make: (index: number) => FetchFileTask): FetchFileTask[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function* sizes(kind: string, tasks: readonly FetchFileTask[]): Generator<Row, void> {
  const batch = toBatch(tasks);
  const lines = Buffer.from(tasks.map(jsonLine).join(""));
  const row = (name: string, bytes: Uint8Array, baseline: Uint8Array, most: number) =>
    toRow({
      name,
      unit: "bytes",
      values: [bytes.length / tasks.length],
      baselines: [baseline.length / tasks.length],
      goal: valueAtMost(most, "bytes"),
      note: "baseline: JSON lines",
    });
  yield row(`a task in a batch of ${tasks.length}, ${kind}`, batch, lines, 80);
  yield row(`the same, deflated`, deflateRawSync(batch), deflateRawSync(lines), 28);
}

async function* speeds(context: Context): AsyncGenerator<Row, void> {
  const tasks = list(scaled(context, 100_000), savedTinyTask);
  const frames = await collect(encodeFrames(tasks));
  const singles = tasks.map((task) => task.toBinary());
  const bytes = frames.reduce((sum, { length }) => sum + length, 0);
  const perSecond = async (work: () => unknown) => tasks.length / (await secondsOf(async () => work()));
  const rates = await interleave(context.rounds, {
    encodeFrames: () => perSecond(() => drain(encodeFrames(tasks))),
    toBinary: () => perSecond(() => tasks.forEach((task) => void task.toBinary())),
    decodeFrames: () => perSecond(() => drain(decodeFrames(frames, { types }))),
    fromBinary: () => perSecond(() => singles.forEach((single) => void FetchFileTask.fromBinary(single))),
  });
  const megabytes = (values: readonly number[]) => values.map((rate) => (rate * bytes) / tasks.length / 1e6);
  for (const [name, baseline] of [
    ["encodeFrames", "toBinary"],
    ["decodeFrames", "fromBinary"],
  ] as const) {
    const note = `baseline: ${baseline} of each task`;
    yield toRow({ name, unit: "tasks/s", values: rates[name], baselines: rates[baseline], note });
    yield toRow({ name, unit: "MB/s", values: megabytes(rates[name]), note: "of frames" });
  }
}

async function drain(source: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of source);
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}
