import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond, secondsOf } from "../harness.js";
import { type Row, ratioAtLeast, toRow, valueUnder } from "../row.js";
import { buildTask, buildTasks, idOf, storedBytes } from "../tasks.js";
import { DriverAlone } from "./driver-alone.js";
import { openStore, type Tasks } from "./store.js";

const loads = [
  { concurrency: 1, count: 2_000, goal: undefined },
  { concurrency: 16, count: 20_000, goal: ratioAtLeast(0.5) },
  { concurrency: 256, count: 100_000, goal: ratioAtLeast(0.5) },
] as const;

const BULK = 100_000;

/** Every save and complete is on the disk when it is acknowledged, on both sides. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using store = await openStore();
  const alone = new DriverAlone(join(store.folder, "alone.db"));
  yield flushes(store.folder, context);
  for (const { concurrency, count, goal } of loads)
    yield* saveAndComplete(store.tasks, alone, context, { concurrency, count: scaled(context, count), goal });
  yield* bulk(store.tasks, alone, context);
  alone.close();
}

/** How often a second the disk flushes a write of a page: what one caller at a time can reach. */
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

interface Load {
  readonly concurrency: number;
  readonly count: number;
  readonly goal: ReturnType<typeof ratioAtLeast> | undefined;
}

async function* saveAndComplete(
  tasks: Tasks,
  alone: DriverAlone,
  context: Context,
  { concurrency, count, goal }: Load,
): AsyncGenerator<Row, void> {
  const bodies = await storedBytes("work", count);
  const work = async (task: ReturnType<typeof buildTask>) => {
    await tasks.save(task);
    await tasks.complete(task);
  };
  const delays: { p50: number; p99: number }[] = [];
  const { rates, baselines } = await interleave(context.rounds, {
    rates: async () => {
      const built = Array.from({ length: count }, (_, i) => buildTask("work", idOf(i)));
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const rate = await perSecond(count, concurrency, (i) => work(built[i] as (typeof built)[number]));
      delay.disable();
      delays.push({ p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6 });
      return rate;
    },
    baselines: () => alone.saveAndComplete(bodies, concurrency),
  });
  const name = `save + complete, ${concurrency} concurrent`;
  yield toRow({ name, unit: "tasks/s", values: rates, baselines, ...(goal && { goal }) });
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

async function* bulk(tasks: Tasks, alone: DriverAlone, context: Context): AsyncGenerator<Row, void> {
  const count = scaled(context, BULK);
  const bodies = await storedBytes("work", count);
  const { rates, baselines } = await interleave(context.rounds, {
    rates: async (round) => count / (await secondsOf(() => tasks.saveAll(buildTasks(`bulk${round}`, count)))),
    baselines: () => alone.saveAll(bodies, 1_000),
  });
  const name = `saveAll of ${count.toLocaleString("en")}, against transactions of 1,000`;
  yield toRow({ name, unit: "tasks/s", values: rates, baselines });
}
