import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { probeMemory } from "../memory.js";
import { type Row, ratioAtLeast, toRow, valueUnder } from "../row.js";
import { buildTasks, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";
import type { ListPlace } from "./memory.js";

const LIST = "open";
const OPEN = 1_000_000;
const CHUNK = 20_000;

/** The driver's default, and the size of the adapter's pages. */
const FETCH_SIZES = [5_000, 500] as const;

/** A million open tasks are read from the first to the last. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const cassandra = coordinatesIn(context);
  await using sides = await openSides(cassandra, "open");
  const open = scaled(context, OPEN);
  await fill(sides, open);
  const all = `\`all\` over ${open.toLocaleString("en")} open`;

  const [large, small] = FETCH_SIZES;
  const figures = await interleave(context.rounds, {
    tasks: () => rate(open, () => countTasks(sides.tasks.all(LIST))),
    envelopes: () =>
      rate(open, () => countPages(sides.adapter.all(LIST, { pageSize: 500, maxPageBytes: 4 * 1024 * 1024 }))),
    large: () => rate(open, () => countPages(sides.raw.all(LIST, large))),
    small: () => rate(open, () => countPages(sides.raw.all(LIST, small))),
  });
  const against = (size: number) => `against the raw table's bytes, not decoded, in pages of ${size}`;
  const common = { unit: "tasks/s", values: figures.tasks };
  yield toRow({ ...common, name: all, baselines: figures.large, goal: ratioAtLeast(0.8), note: against(large) });
  yield toRow({ ...common, name: all, baselines: figures.small, note: against(small) });
  yield toRow({
    name: `${all}, the adapter's bytes, not decoded`,
    unit: "tasks/s",
    values: figures.envelopes,
    baselines: figures.large,
    note: against(large),
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

async function countTasks(tasks: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of tasks) count++;
  return count;
}

async function countPages(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0;
  for await (const page of pages) count += page.length;
  return count;
}
