import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Goal, type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTasks, type FetchFileTask, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides, type SidesOptions } from "./clients.js";
import { coordinatesIn } from "./context.js";
import { driverAlone } from "./driver-alone.js";

interface Load {
  readonly concurrency: number;
  readonly count: number;
  readonly goal?: Goal;
}

const loads: readonly Load[] = [
  { concurrency: 256, count: 40_000, goal: ratioAtLeast(2) },
  { concurrency: 16, count: 20_000, goal: ratioAtLeast(1.2) },
  { concurrency: 1, count: 3_000, goal: ratioAtLeast(0.85) },
];

/** Where all operations go to one partition, more of them leave together. */
const loadsOfOneShard: readonly Load[] = [
  { concurrency: 256, count: 40_000 },
  { concurrency: 16, count: 20_000 },
];

/** A task is saved, then completed; each round has a list of its own. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  yield* compare(context, loads, {}, "");
  yield* compare(context, loadsOfOneShard, { shards: 1 }, ", one shard");
}

async function* compare(
  context: Context,
  loads: readonly Load[],
  options: SidesOptions,
  where: string,
): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "save_complete", options);
  for (const load of loads) {
    const count = scaled(context, load.count);
    const contend = (name: string, contender: (round: number) => Promise<number>) =>
      interleave(context.rounds, {
        contender,
        raw: (round) => saveAndCompleteRaw(sides, `raw-${name}-${load.concurrency}-${round}`, { ...load, count }),
      });
    const name = `save + complete, ${load.concurrency} concurrent${where}`;
    const ledger = await contend("ledger", (round) =>
      saveAndComplete(sides, `tasks-${load.concurrency}-${round}`, { ...load, count }),
    );
    yield toRow({
      name,
      unit: "tasks/s",
      values: ledger.contender,
      baselines: ledger.raw,
      ...(load.goal && { goal: load.goal }),
    });
    // By itself: what it encodes before the clock runs is much to collect, and would be collected in the others' time.
    const alone = await contend("alone", (round) =>
      driverAlone(sides, `alone-${load.concurrency}-${round}`, { ...load, count }),
    );
    yield toRow({
      name: `${name}: the same rows by the driver alone`,
      unit: "tasks/s",
      values: alone.contender,
      baselines: alone.raw,
      note: "in the best of batches, encoded before: what a ledger can hope for",
    });
  }
}

/** The tasks are there before the clock runs, as the baseline's bytes are; encoding them is part of saving. */
export function saveAndComplete({ tasks }: Sides, list: string, load: Omit<Load, "goal">): Promise<number> {
  const built = [...buildTasks(list, load.count)];
  return perSecond(load.count, load.concurrency, async (index) => {
    const task = built[index] as FetchFileTask;
    await tasks.save(task);
    await tasks.complete(task);
  });
}

export async function saveAndCompleteRaw({ raw }: Sides, list: string, load: Omit<Load, "goal">): Promise<number> {
  const stored = await storedBytes(list, load.count);
  return perSecond(load.count, load.concurrency, async (index) => {
    const id = idOf(index);
    await raw.save(list, id, stored[index] as Buffer);
    await raw.complete(list, id);
  });
}
