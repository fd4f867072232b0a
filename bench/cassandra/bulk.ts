import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTasks, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";

const COUNT = 50_000;

/** Number of tasks that one call saves, and another completes. */
const PER_CALL = 1_000;

/** Size of the raw table's batches; those of one call are in flight at once. */
const PER_BATCH = 100;

/** Each round has its own list; the tasks are built before it starts. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "bulk");
  const count = scaled(context, COUNT);
  const { tasks, raw } = await interleave(context.rounds, {
    tasks: (round) => ofTasks(sides, `tasks-${round}`, count),
    raw: (round) => ofRawTable(sides, `raw-${round}`, count),
  });
  yield toRow({
    name: `saveAll + completeAll in ${PER_CALL.toLocaleString("en")}s, against unlogged batches of ${PER_BATCH}`,
    unit: "tasks/s",
    values: tasks,
    baselines: raw,
    goal: ratioAtLeast(0.45),
  });
}

async function ofTasks({ tasks }: Sides, list: string, count: number): Promise<number> {
  const calls = chunks([...buildTasks(list, count)], PER_CALL);
  const seconds = await secondsOf(async () => {
    for (const some of calls) {
      await tasks.saveAll(some);
      await tasks.completeAll(some);
    }
  });
  return count / seconds;
}

async function ofRawTable({ raw }: Sides, list: string, count: number): Promise<number> {
  const stored = (await storedBytes(list, count)).map((bytes, index) => [idOf(index), bytes] as const);
  const calls = chunks(stored, PER_CALL).map((some) => chunks(some, PER_BATCH));
  const seconds = await secondsOf(async () => {
    for (const batches of calls) {
      await Promise.all(batches.map((batch) => raw.saveBatch(list, batch)));
      const ids = batches.map((batch) => batch.map(([id]) => id));
      await Promise.all(ids.map((some) => raw.completeBatch(list, some)));
    }
  });
  return count / seconds;
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
