import * as zlib from "node:zlib";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { fromBatch, toBatch } from "taskledger";
import type { Context } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { failedRow, type Row, ratioAtMost, toRow } from "../row.js";
import { FetchFileTask } from "../tasks.js";

/** Number of repetitions per contender and round. */
const REPEATS = 50;

type Bytes = Uint8Array<ArrayBuffer>;

interface Compression {
  readonly name: string;
  compress(bytes: Bytes): Bytes;
  decompress(bytes: Bytes): Bytes;
}

/** zlib's function, if this Node has it. */
function zlibFunction(name: string): ((bytes: Bytes) => Bytes) | undefined {
  return (zlib as unknown as Record<string, ((bytes: Bytes) => Bytes) | undefined>)[name];
}

const { deflateRawSync, inflateRawSync } = zlib;
const zstd = zlibFunction("zstdCompressSync");
const unzstd = zlibFunction("zstdDecompressSync");

const plain: Compression = { name: "plain", compress: (bytes) => bytes, decompress: (bytes) => bytes };
const deflate: Compression = { name: "deflated", compress: deflateRawSync, decompress: inflateRawSync };
const compressions = [
  plain,
  deflate,
  ...(zstd && unzstd ? [{ name: "with zstd", compress: zstd, decompress: unzstd }] : []),
];

interface Form {
  write(tasks: readonly FetchFileTask[]): Bytes;
  read(bytes: Bytes): unknown;
}

const types = [FetchFileTask];
const batch: Form = { write: toBatch, read: (bytes) => fromBatch(bytes, { types }) };

/** The obvious alternative: length-delimited envelopes. */
const envelopes: Form = {
  write: (tasks) => {
    const writer = new BinaryWriter();
    for (const task of tasks) writer.bytes(task.toBinary());
    return writer.finish();
  },
  read: (bytes) => {
    const reader = new BinaryReader(bytes);
    const tasks: FetchFileTask[] = [];
    while (reader.pos < reader.len) tasks.push(FetchFileTask.fromBinary(reader.bytes()));
    return tasks;
  },
};

/** A batch compared with length-delimited envelopes: bytes per task, and the time of writing and of reading. */
export async function* besideEnvelopes(
  kind: string,
  tasks: readonly FetchFileTask[],
  context: Context,
): AsyncGenerator<Row, void> {
  const note = "baseline: length-delimited envelopes";
  for (const compression of compressions) {
    const name = `a batch of ${tasks.length}, ${kind}, ${compression.name}`;
    const [ours, theirs] = [batch, envelopes].map(
      (form) => compression.compress(form.write(tasks)).length / tasks.length,
    );
    yield toRow({
      name: `${name}: a task`,
      unit: "bytes",
      values: [ours as number],
      baselines: [theirs as number],
      goal: ratioAtMost(0.7),
      note,
    });
    const times = await interleave(context.rounds, timings(tasks, compression));
    yield toRow({ name: `${name}: to write`, unit: "ms", values: times.write, baselines: times.writeEnvelopes, note });
    yield toRow({ name: `${name}: to read`, unit: "ms", values: times.read, baselines: times.readEnvelopes, note });
  }
  if (!zstd) yield failedRow(`a batch of ${tasks.length}, ${kind}, with zstd`, "bytes", "this Node has no zstd");
}

function timings(tasks: readonly FetchFileTask[], { compress, decompress }: Compression) {
  const write = (form: Form) => () => milliseconds(() => compress(form.write(tasks)));
  const read = (form: Form) => {
    const bytes = compress(form.write(tasks));
    return () => milliseconds(() => form.read(decompress(bytes)));
  };
  return { write: write(batch), writeEnvelopes: write(envelopes), read: read(batch), readEnvelopes: read(envelopes) };
}

async function milliseconds(work: () => unknown): Promise<number> {
  const seconds = await secondsOf(async () => {
    for (let i = 0; i < REPEATS; i++) work();
  });
  return (seconds / REPEATS) * 1000;
}
