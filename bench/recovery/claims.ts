import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, toRow } from "../row.js";
import { buildTasks } from "../tasks.js";
import { stores, type Tasks } from "./stores.js";

const loads = [
  { concurrency: 1, count: 500 },
  { concurrency: 16, count: 4_000 },
  { concurrency: 64, count: 8_000 },
] as const;

/** Claims each open task of a list once. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  for (const [name, open] of Object.entries(stores)) {
    await using store = await open(context, "claims");
    for (const load of loads) {
      const count = scaled(context, load.count);
      const { rates } = await interleave(context.rounds, {
        rates: () => claimAll(store.tasks, count, load.concurrency),
      });
      yield toRow({ name: `${name}: claims, ${load.concurrency} concurrent`, unit: "claims/s", values: rates });
    }
  }
}

async function claimAll(tasks: Tasks, count: number, concurrency: number): Promise<number> {
  const open = [...buildTasks("claimed", count)];
  await tasks.saveAll(open);
  const rate = await perSecond(count, concurrency, async (index) => {
    const claim = await tasks.claim(open[index] as (typeof open)[number]);
    if (claim === undefined) throw new Error("a task that nobody has claimed was refused");
  });
  await tasks.completeAll(open);
  return rate;
}
