import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { type Context, scaled } from "./benchmark.js";
import { interleave, perSecond, secondsOf } from "./harness.js";
import { probeMemory } from "./memory.js";
import { type Row, toRow, valueUnder } from "./row.js";
import type { ListPlace } from "./sqlite-memory.js";
import { buildTask, buildTasks, FetchFileTask, idOf } from "./tasks.js";

type Tasks = DataInterface<typeof FetchFileTask>;

const loads = [
  { concurrency: 1, count: 2_000 },
  { concurrency: 16, count: 20_000 },
  { concurrency: 256, count: 100_000 },
] as const;

const LIST = "open";
const OPEN = 1_000_000;

/** Every save and complete is on the disk when it is acknowledged. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const folder = await mkdtemp(join(tmpdir(), "taskledger-bench-"));
  try {
    await using tasks = new DataInterface({
      types: [FetchFileTask],
      adapter: new SqliteAdapter({ path: join(folder, "ledger.db") }),
    });
    yield* saveAndComplete(tasks, context);
    yield* readAll(tasks, folder, context);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* saveAndComplete(tasks: Tasks, context: Context): AsyncGenerator<Row, void> {
  for (const { concurrency, count } of loads) {
    const work = async (index: number) => {
      const task = buildTask("work", idOf(index));
      await tasks.save(task);
      await tasks.complete(task);
    };
    const { rates } = await interleave(context.rounds, {
      rates: () => perSecond(scaled(context, count), concurrency, work),
    });
    yield toRow({ name: `save + complete, ${concurrency} concurrent`, unit: "tasks/s", values: rates });
  }
}

async function* readAll(tasks: Tasks, folder: string, context: Context): AsyncGenerator<Row, void> {
  const open = scaled(context, OPEN);
  const saving = open / (await secondsOf(() => tasks.saveAll(buildTasks(LIST, open))));
  yield toRow({ name: `saveAll of ${open.toLocaleString("en")}`, unit: "tasks/s", values: [saving] });
  const all = `\`all\` over ${open.toLocaleString("en")} open`;
  const { rates } = await interleave(context.rounds, {
    rates: async () => {
      const seconds = await secondsOf(async () => {
        for await (const _ of tasks.all(LIST));
      });
      return open / seconds;
    },
  });
  yield toRow({ name: all, unit: "tasks/s", values: rates });
  const place: ListPlace = { path: join(folder, "ledger.db"), list: LIST };
  const { peak, kept } = await probeMemory("sqlite", "memory", place);
  const note = `the process's peak; ${kept.toFixed(1)} MB are in use at the end`;
  yield toRow({ name: `${all}: memory`, unit: "MB", values: [peak], goal: valueUnder(100, "MB"), note });
}
