import { perform } from "taskledger";
import { type Context, scaled } from "../benchmark.js";
import { perSecond } from "../harness.js";
import { type Row, ratioAtMost, toRow } from "../row.js";
import { buildTasks, type FetchFileTask } from "../tasks.js";
import { stores, type Tasks } from "./stores.js";

const CONCURRENCY = 16;
/** So many that the first round has compiled what a worker runs for hours. */
const COUNT = 10_000;
/** An even number, so that each side is first equally often. */
const TURNS = 50;

/** The cost of `perform` besides its claim, its handler and its complete, in turns, so that disturbances affect both sides. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  for (const [name, open] of Object.entries(stores)) {
    await using store = await open(context, "perform");
    const size = Math.ceil(scaled(context, COUNT) / TURNS);
    const [values, baselines]: [number[], number[]] = [[], []];
    for (let round = 0; round <= context.rounds; round++) {
      const [performing, byHand] = await inTurns(store.tasks, size);
      if (round === 0) continue;
      values.push(performing);
      baselines.push(byHand);
    }
    yield toRow({
      name: `${name}: perform, against claim + complete by hand, ${CONCURRENCY} concurrent`,
      unit: "us/task",
      values,
      baselines,
      goal: ratioAtMost(1.1),
    });
  }
}

/** Microseconds per task, for each side. */
async function inTurns(tasks: Tasks, size: number): Promise<[number, number]> {
  const works = [byPerform, byHand] as const;
  const seconds: [number, number] = [0, 0];
  for (let turn = 0; turn < TURNS; turn++)
    for (const side of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
      seconds[side] += await secondsFor(tasks, size, works[side]);
  return seconds.map((sum) => (sum * 1e6) / (TURNS * size)) as [number, number];
}

async function secondsFor(tasks: Tasks, count: number, work: typeof byHand): Promise<number> {
  const open = [...buildTasks("performed", count)];
  await tasks.saveAll(open);
  return count / (await perSecond(count, CONCURRENCY, (index) => work(tasks, open[index] as FetchFileTask)));
}

async function byPerform(tasks: Tasks, task: FetchFileTask): Promise<void> {
  const { type } = await perform(tasks, task, handle);
  if (type !== "completed") throw new Error(`a task was ${type}`);
}

/** For work that is shorter than the lease, and is tried again only when that has ended: nothing else is necessary. */
async function byHand(tasks: Tasks, task: FetchFileTask): Promise<void> {
  const claim = await tasks.claim(task);
  if (claim === undefined) throw new Error("a task that nobody has claimed was refused");
  await handle(task, claim);
  await tasks.complete(task);
}

/** Like most work, it is asynchronous. */
async function handle(_task: FetchFileTask, { signal }: { readonly signal: AbortSignal }): Promise<void> {
  signal.throwIfAborted();
}
