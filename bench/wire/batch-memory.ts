import { type Context, scaled } from "../benchmark.js";
import { probeMemory } from "../memory.js";
import { type Row, toRow, valueUnder } from "../row.js";

const TASKS = 10_000_000;

/** Checks that a stream of many tasks takes no more memory than one of few. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  for (const count of [scaled(context, TASKS / 10), scaled(context, TASKS)]) {
    const { peak, kept } = await probeMemory("wire", "frames", count);
    const name = `encodeFrames into decodeFrames, ${count.toLocaleString("en")} tasks: memory`;
    const note = `the process's peak; ${kept.toFixed(1)} MB are in use at the end`;
    yield toRow({ name, unit: "MB", values: [peak], goal: valueUnder(100, "MB"), note });
  }
}
