import { type Context, scaled } from "../benchmark.js";
import { collectYoungGarbage, interleave } from "../harness.js";
import { type Goal, type Row, ratioAtMost, toRow } from "../row.js";
import { dataFormats, envelopeFormats, type Format, type FormatName, type Formats } from "./formats.js";
import { makePayload, type Size } from "./payloads.js";

/**
 * Number of repetitions per contender and round: about ten milliseconds of work, so that the cost of an empty garbage
 * collection is small in comparison. A suite's round is three of these.
 */
const counts: Readonly<Record<Size, number>> = { tiny: 30_000, medium: 7_500, large: 300 };

/** Different tasks, so that no format profits from repetition. */
const VALUES = 64;

/** Rounds that only warm up the compiler. */
const WARM_UP = 12;

const others = ["protobuf-es", "JSON", "protobufjs", "msgpackr"] as const;

/** Encodes and decodes the same tasks in each format, in one process, in turn. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  for (const size of ["tiny", "medium", "large"] as const) {
    yield* compare(size, "data", dataFormats(size), context);
    yield* compare(size, "task", envelopeFormats(size), context);
  }
}

async function* compare(size: Size, what: string, formats: Formats, context: Context): AsyncGenerator<Row, void> {
  const count = scaled(context, counts[size]);
  const values = mapFormats(formats, (format) =>
    Array.from({ length: VALUES }, (_, n) => format.make(makePayload(size, n))),
  );
  const encoded = mapFormats(formats, (format, name) => values[name].map((value) => copyOf(format.encode(value))));
  const encoders = mapFormats(formats, ({ encode }, name) => timer(encode, values[name], count));
  const decoders = mapFormats(formats, ({ decode }, name) => timer(decode, encoded[name], count));
  for (const [verb, contenders] of [
    ["encode", encoders],
    ["decode", decoders],
  ] as const) {
    for (let i = 0; i < WARM_UP; i++) for (const contender of Object.values(contenders)) await contender();
    const figures = await interleave(context.rounds * 3, contenders, { collect: collectAllYoung });
    for (const other of others)
      yield row(`${verb} ${size} ${what}, against ${other}`, figures, other, goalOf(size, other));
  }
  for (const other of others) yield sizeRow(`bytes of ${size} ${what}, against ${other}`, encoded, other);
}

/** As Buffers, since some formats read nothing else. */
function copyOf(bytes: Uint8Array): Buffer {
  return Buffer.from(Uint8Array.from(bytes).buffer);
}

/**
 * Collects garbage twice: V8 frees ArrayBuffers on another thread after a collection, and has finished before the next.
 * Otherwise the next contender would pay for it.
 */
function collectAllYoung(): void {
  collectYoungGarbage();
  collectYoungGarbage();
}

/**
 * Returns the CPU time of each in nanoseconds, including the collection of its garbage: on a machine that does other work, too,
 * elapsed time means little.
 */
function timer<T>(work: (value: T) => unknown, values: readonly T[], count: number): () => Promise<number> {
  return async () => {
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) keep(work(values[i % VALUES] as T));
    collectAllYoung();
    const { user, system } = process.cpuUsage(start);
    return ((user + system) * 1000) / count;
  };
}

let kept: unknown;

/** Uses the result, so that the compiler can't drop the work. */
function keep(value: unknown): void {
  kept = value;
}

/** The variable that keeps the result. */
export function lastResult(): unknown {
  return kept;
}

function goalOf(size: Size, other: FormatName): Goal | undefined {
  if (size === "large") return undefined;
  return other === "protobuf-es" ? ratioAtMost(0.3) : other === "JSON" ? ratioAtMost(0.45) : undefined;
}

function row(name: string, figures: Record<FormatName, number[]>, other: FormatName, goal: Goal | undefined): Row {
  const values = figures.taskledger;
  return toRow({ name, unit: "ns", values, baselines: figures[other], ...(goal && { goal }) });
}

function sizeRow(name: string, encoded: Record<FormatName, Uint8Array[]>, other: FormatName): Row {
  const mean = (format: FormatName) => encoded[format].reduce((sum, { length }) => sum + length, 0) / VALUES;
  return toRow({ name, unit: "bytes", values: [mean("taskledger")], baselines: [mean(other)] });
}

function mapFormats<T>(formats: Formats, map: (format: Format, name: FormatName) => T): Record<FormatName, T> {
  const entries = Object.entries(formats) as [FormatName, Format][];
  return Object.fromEntries(entries.map(([name, format]) => [name, map(format, name)])) as Record<FormatName, T>;
}
