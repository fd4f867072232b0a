import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { probeMemory } from "../memory.js";
import { type Row, ratioAtLeast, toRow, valueUnder } from "../row.js";
import { buildTasks, FetchFileTask, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";
import type { ListPlace } from "./memory.js";

const LIST = "open";
const OPEN = 1_000_000;
const CHUNK = 20_000;

/** The driver's default. */
const FETCH_SIZE = 5_000;

/** Reads a million open tasks from the first to the last. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const cassandra = coordinatesIn(context);
  await using sides = await openSides(cassandra, "open");
  const open = scaled(context, OPEN);
  await fill(sides, open);
  const all = `\`all\` over ${open.toLocaleString("en")} open`;

  const pages = { pageSize: 500, maxPageBytes: 4 * 1024 * 1024 };
  const figures = await interleave(context.rounds, {
    tasks: () => rate(open, () => countEach(sides.tasks.all(LIST))),
    rawTasks: () => rate(open, () => countEach(decoded(sides.raw.all(LIST, FETCH_SIZE)))),
    envelopes: () => rate(open, () => countPages(sides.adapter.all(LIST, pages))),
    rawEnvelopes: () => rate(open, () => countPages(sides.raw.all(LIST, FETCH_SIZE))),
  });
  yield toRow({
    name: all,
    unit: "tasks/s",
    values: figures.tasks,
    baselines: figures.rawTasks,
    goal: ratioAtLeast(0.4),
    note: "against the raw table's bytes, decoded by FetchFileTask.fromBinary",
  });
  yield toRow({
    name: `${all}: the adapter's bytes`,
    unit: "tasks/s",
    values: figures.envelopes,
    baselines: figures.rawEnvelopes,
    goal: ratioAtLeast(0.4),
    note: "against the raw table's bytes; nothing is decoded on either side",
  });

  const place: ListPlace = { cassandra, keyspace: sides.keyspace, list: LIST };
  const { count, peak, kept } = await probeMemory("cassandra", "memory", place);
  if (count !== open) throw new Error(`read ${count} tasks of ${open}`);
  const note = `the process's peak; ${kept.toFixed(1)} MB are in use at the end`;
  yield toRow({ name: `${all}: memory`, unit: "MB", values: [peak], goal: valueUnder(100, "MB"), note });
}

async function fill({ tasks, raw }: Sides, open: number): Promise<void> {
  await tasks.saveAll(buildTasks(LIST, open));
  for (let from = 0; from < open; from += CHUNK) {
    const stored = await storedBytes(LIST, Math.min(CHUNK, open - from), from);
    await raw.saveAll(
      stored.map((bytes, index) => [LIST, idOf(from + index), bytes]),
      256,
    );
  }
}

async function rate(expected: number, counting: () => Promise<number>): Promise<number> {
  const seconds = await secondsOf(async () => {
    const count = await counting();
    if (count !== expected) throw new Error(`read ${count} tasks of ${expected}`);
  });
  return expected / seconds;
}

/** What a user of the driver alone would do with the bytes. */
async function* decoded(pages: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<FetchFileTask, void> {
  for await (const page of pages) for (const bytes of page) yield FetchFileTask.fromBinary(bytes);
}

async function countEach(tasks: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of tasks) count++;
  return count;
}

async function countPages(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0;
  for await (const page of pages) count += page.length;
  return count;
}
