import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTask, buildTasks, idOf } from "../tasks.js";
import { stores, type Tasks } from "./stores.js";

const CLAIMED = 10_000;
const CONCURRENCY = 64;
const COUNT = 20_000;

/** What claims cost those who need none: the same work in a store with many claims, and in one that has never had any. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const [count, claimed] = [scaled(context, COUNT), scaled(context, CLAIMED)];
  for (const [name, open] of Object.entries(stores)) {
    await using used = await open(context, "claimed");
    await using unused = await open(context, "unclaimed");
    const tasks = [...buildTasks("others", claimed)];
    await used.tasks.saveAll(tasks);
    await unused.tasks.saveAll(buildTasks("others", claimed));
    await perSecond(claimed, CONCURRENCY, (index) => used.tasks.claim(tasks[index] as (typeof tasks)[number]));
    const { withClaims, without } = await interleave(context.rounds, {
      withClaims: () => saveAndComplete(used.tasks, count),
      without: () => saveAndComplete(unused.tasks, count),
    });
    yield toRow({
      name: `${name}: save + complete, ${CONCURRENCY} concurrent, beside ${claimed.toLocaleString("en")} claims`,
      unit: "tasks/s",
      values: withClaims,
      baselines: without,
      goal: ratioAtLeast(0.95),
    });
  }
}

function saveAndComplete(tasks: Tasks, count: number): Promise<number> {
  return perSecond(count, CONCURRENCY, async (index) => {
    const task = buildTask("work", idOf(index));
    await tasks.save(task);
    await tasks.complete(task);
  });
}
