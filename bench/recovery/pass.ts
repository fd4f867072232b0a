import { recover } from "taskledger";
import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { type Row, toRow } from "../row.js";
import { buildTasks } from "../tasks.js";
import { stores, type Tasks } from "./stores.js";

const LIST = "stale";
const STALE = 10_000;
const CONCURRENCY = 16;

/** One pass over a list of stale tasks, with handlers that do nothing: the cost of recovery itself. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const count = scaled(context, STALE);
  const what = `recover, a pass over ${count.toLocaleString("en")} stale tasks, ${CONCURRENCY} concurrent`;
  for (const [name, open] of Object.entries(stores)) {
    await using store = await open(context, "pass");
    const { rates } = await interleave(context.rounds, { rates: () => recoverAll(store.tasks, count) });
    yield toRow({ name: `${name}: ${what}`, unit: "tasks/s", values: rates });
  }
}

async function recoverAll(tasks: Tasks, count: number): Promise<number> {
  await tasks.saveAll(buildTasks(LIST, count));
  const seconds = await secondsOf(async () => {
    const { completed } = await recover(tasks, LIST, () => {}, { olderThan: 0, concurrency: CONCURRENCY });
    if (completed !== count) throw new Error(`${completed} of ${count} tasks were recovered`);
  });
  return count / seconds;
}
