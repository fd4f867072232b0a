import { type Context, scaled } from "../benchmark.js";
import { perSecond } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTask, buildTasks, type FetchFileTask, idOf } from "../tasks.js";
import { stores, type Tasks } from "./stores.js";

const CLAIMED = 10_000;
const CONCURRENCY = 64;
const COUNT = 20_000;
/** An even number, so that each side is first equally often. */
const TURNS = 20;

/** The cost of claims for users without claims: the same work in a store with many claims, and in one without any. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const [count, claimed] = [scaled(context, COUNT), scaled(context, CLAIMED)];
  for (const [name, open] of Object.entries(stores)) {
    await using used = await open(context, "claimed");
    await using unused = await open(context, "unclaimed");
    // As many transactions in both: one store must not have more free pages than the other to begin with.
    const [inUsed, inUnused] = [[...buildTasks("others", claimed)], [...buildTasks("others", claimed)]];
    await used.tasks.saveAll(inUsed);
    await unused.tasks.saveAll(inUnused);
    await perSecond(claimed, CONCURRENCY, (index) => used.tasks.claim(inUsed[index] as FetchFileTask));
    await perSecond(claimed, CONCURRENCY, (index) => unused.tasks.save(inUnused[index] as FetchFileTask));
    const rates = { withClaims: [] as number[], without: [] as number[] };
    for (let round = 0; round <= context.rounds; round++) {
      const [withClaims, without] = await inTurns(count, used.tasks, unused.tasks);
      if (round === 0) continue;
      rates.withClaims.push(withClaims);
      rates.without.push(without);
    }
    yield toRow({
      name: `${name}: save + complete, ${CONCURRENCY} concurrent, beside ${claimed.toLocaleString("en")} claims`,
      unit: "tasks/s",
      values: rates.withClaims,
      baselines: rates.without,
      goal: ratioAtLeast(0.95),
    });
  }
}

/**
 * Saves and completes tasks in two stores, a few in each in turns: the difference is so small that a disturbance must not
 * affect one side only. Returns the number done per second in each.
 */
async function inTurns(count: number, ...sides: readonly [Tasks, Tasks]): Promise<[number, number]> {
  const seconds: [number, number] = [0, 0];
  const size = Math.ceil(count / TURNS);
  for (let turn = 0; turn < TURNS; turn++)
    for (const side of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
      seconds[side] += size / (await saveAndComplete(sides[side], size));
  return [(TURNS * size) / seconds[0], (TURNS * size) / seconds[1]];
}

function saveAndComplete(tasks: Tasks, count: number): Promise<number> {
  return perSecond(count, CONCURRENCY, async (index) => {
    const task = buildTask("work", idOf(index));
    await tasks.save(task);
    await tasks.complete(task);
  });
}
