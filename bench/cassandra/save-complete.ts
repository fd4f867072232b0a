import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTasks, type FetchFileTask, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";
import { driverAlone } from "./driver-alone.js";

interface Load {
  readonly concurrency: number;
  readonly count: number;
}

interface Goals {
  /** The minimum ratio to single statements. */
  readonly single: number;
  /** The minimum ratio to the driver alone, which is the limit of these tables. */
  readonly alone: number;
}

const loads: readonly (Load & Goals)[] = [
  { concurrency: 256, count: 40_000, single: 2, alone: 0.55 },
  { concurrency: 64, count: 40_000, single: 1.8, alone: 0.6 },
  { concurrency: 16, count: 20_000, single: 1.1, alone: 0.7 },
  { concurrency: 1, count: 3_000, single: 0.85, alone: 0.85 },
];

/** Saves each task, then completes it; each round has its own list. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "save_complete");
  for (const { single, alone, ...load } of loads)
    yield* compare(sides, context.rounds, { ...load, count: scaled(context, load.count) }, { single, alone });
}

async function* compare(sides: Sides, rounds: number, load: Load, goals: Goals): AsyncGenerator<Row, void> {
  const { concurrency } = load;
  const name = `save + complete, ${concurrency} concurrent`;
  const contend = (contenderName: string, contender: (round: number) => Promise<number>) =>
    interleave(rounds, {
      contender,
      raw: (round) => saveAndCompleteRaw(sides, `raw-${contenderName}-${concurrency}-${round}`, load),
    });
  const ledger = await contend("ledger", (round) => saveAndComplete(sides, `tasks-${concurrency}-${round}`, load));
  const goal = ratioAtLeast(goals.single);
  yield toRow({ name, unit: "tasks/s", values: ledger.contender, baselines: ledger.raw, goal });
  // Separately: it encodes much before its measurement, which would be collected as garbage during that of the others.
  const alone = await contend("alone", (round) => driverAlone(sides, `alone-${concurrency}-${round}`, load));
  yield toRow({
    name: `${name}: the same rows by the driver alone`,
    unit: "tasks/s",
    values: alone.contender,
    baselines: alone.raw,
    note: "in the best of batches, encoded before: what a ledger can hope for",
  });
  yield toRow({
    name: `${name}: of what the driver alone does`,
    unit: "x single statements",
    values: ratiosOf(ledger),
    baselines: ratiosOf(alone),
    goal: ratioAtLeast(goals.alone),
  });
}

function ratiosOf({ contender, raw }: { contender: readonly number[]; raw: readonly number[] }): number[] {
  return contender.map((figure, round) => figure / (raw[round] as number));
}

/** The tasks are built before the measurement, like the baseline's bytes; encoding them is part of saving. */
export function saveAndComplete({ tasks }: Sides, list: string, load: Load): Promise<number> {
  const built = [...buildTasks(list, load.count)];
  return perSecond(load.count, load.concurrency, async (index) => {
    const task = built[index] as FetchFileTask;
    await tasks.save(task);
    await tasks.complete(task);
  });
}

export async function saveAndCompleteRaw({ raw }: Sides, list: string, load: Load): Promise<number> {
  const stored = await storedBytes(list, load.count);
  return perSecond(load.count, load.concurrency, async (index) => {
    const id = idOf(index);
    await raw.save(list, id, stored[index] as Buffer);
    await raw.complete(list, id);
  });
}
