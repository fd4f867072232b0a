import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond, secondsOf } from "../harness.js";
import { type Goal, type Row, ratioAtLeast, toRow, valueUnder } from "../row.js";
import { type FetchFileTask, idOf, storedBytes } from "../tasks.js";
import { DriverAlone } from "./driver-alone.js";
import { openStore, type Store } from "./store.js";
import { againstLmdb, openWithLmdb } from "./with-lmdb.js";

const loads = [
  { concurrency: 1, count: 2_000, goal: undefined },
  { concurrency: 16, count: 20_000, goal: ratioAtLeast(0.5) },
  { concurrency: 256, count: 100_000, goal: ratioAtLeast(0.5) },
] as const;

const BULK = 100_000;

/** Every save and complete is on the disk when it is acknowledged, on all sides. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using store = await openStore();
  await using lmdb = await openWithLmdb(context);
  const alone = new DriverAlone(join(store.folder, "alone.db"));
  const sides: Sides = { store, lmdb, alone };
  yield flushes(store.folder, context);
  for (const { concurrency, count, goal } of loads)
    yield* saveAndComplete(sides, context, { concurrency, count: scaled(context, count), goal });
  yield* bulk(sides, context);
  alone.close();
}

/** Flushes per second of writes of one page to the disk: the limit for one caller at a time. */
function flushes(folder: string, context: Context): Row {
  const file = openSync(join(folder, "flushes"), "w");
  const count = scaled(context, 1_000);
  const page = new Uint8Array(4096);
  const values = Array.from({ length: context.rounds }, () => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      writeSync(file, page);
      fdatasyncSync(file);
    }
    return (1000 * count) / (performance.now() - start);
  });
  closeSync(file);
  return toRow({ name: "the disk: writes of 4 KiB, each flushed", unit: "writes/s", values });
}

interface Sides {
  readonly store: Store;
  readonly lmdb: Store | undefined;
  readonly alone: DriverAlone;
}

interface Load {
  readonly concurrency: number;
  readonly count: number;
  readonly goal: Goal | undefined;
}

async function* saveAndComplete(
  { store, lmdb, alone }: Sides,
  context: Context,
  load: Load,
): AsyncGenerator<Row, void> {
  const { concurrency, count, goal } = load;
  const bodies = await storedBytes("work", count);
  const delays: { p50: number; p99: number }[] = [];
  const { rates, baselines, lmdbRates } = await interleave(context.rounds, {
    rates: async () => {
      const delay = monitorEventLoopDelay({ resolution: 1 });
      const rate = await saveAndCompleteIn(store, load, delay);
      delays.push({ p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6 });
      return rate;
    },
    baselines: () => alone.saveAndComplete(bodies, concurrency),
    ...(lmdb && { lmdbRates: () => saveAndCompleteIn(lmdb, load) }),
  });
  const name = `save + complete, ${concurrency} concurrent`;
  yield toRow({ name, unit: "tasks/s", values: rates, baselines, ...(goal && { goal }) });
  yield againstLmdb(name, rates, lmdbRates, ratioAtLeast(1));
  if (concurrency < 256) return;
  const counted = delays.slice(1);
  yield toRow({ name: `${name}: delay of the event loop, p50`, unit: "ms", values: counted.map(({ p50 }) => p50) });
  yield toRow({
    name: `${name}: delay of the event loop, p99`,
    unit: "ms",
    values: counted.map(({ p99 }) => p99),
    goal: valueUnder(25, "ms"),
  });
}

/** Builds the tasks first; the time is measured from the first save to the last complete. */
async function saveAndCompleteIn(
  { tasks, buildTask }: Store,
  { concurrency, count }: Load,
  delay?: IntervalHistogram,
): Promise<number> {
  const built = Array.from({ length: count }, (_, i) => buildTask("work", idOf(i)));
  delay?.enable();
  const rate = await perSecond(count, concurrency, async (i) => {
    const task = built[i] as FetchFileTask;
    await tasks.save(task);
    await tasks.complete(task);
  });
  delay?.disable();
  return rate;
}

async function* bulk({ store, lmdb, alone }: Sides, context: Context): AsyncGenerator<Row, void> {
  const count = scaled(context, BULK);
  const bodies = await storedBytes("work", count);
  const saveAllIn = async ({ tasks, buildTasks }: Store, round: number) =>
    count / (await secondsOf(() => tasks.saveAll(buildTasks(`bulk${round}`, count))));
  const { rates, baselines, lmdbRates } = await interleave(context.rounds, {
    rates: (round) => saveAllIn(store, round),
    baselines: () => alone.saveAll(bodies, 1_000),
    ...(lmdb && { lmdbRates: (round: number) => saveAllIn(lmdb, round) }),
  });
  const name = `saveAll of ${count.toLocaleString("en")}`;
  yield toRow({ name: `${name}: against transactions of 1,000`, unit: "tasks/s", values: rates, baselines });
  yield againstLmdb(name, rates, lmdbRates);
}
