import { setTimeout as sleep } from "node:timers/promises";
import { type Context, scaled } from "../benchmark.js";
import { interleave } from "../harness.js";
import { type Row, toRow, valueAtMost } from "../row.js";
import { buildTask, buildTasks } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";

const LIST = "busy";
const OPEN = 10;

/** Number of tasks per second that are saved and then completed; and for how many seconds before the list is read. */
const RATE = 2_000;
const SECONDS = 300;

/** The age for `stale`, in milliseconds; it is shorter in a quick run. */
const OLDER_THAN = 120_000;
const OLDER_THAN_QUICKLY = 5_000;

/** Ten tasks stay open in a list through which others pass all the time, also while it is read. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "busy");
  const seconds = scaled(context, SECONDS);
  const olderThan = context.divisor > 1 ? OLDER_THAN_QUICKLY : OLDER_THAN;
  const after = `after ${seconds} s of ${RATE.toLocaleString("en")} completed a second, which go on`;
  await sides.tasks.saveAll([...Array(OPEN).keys()].map((index) => buildTask(LIST, `open${index}.txt`)));
  const stopped = new AbortController();
  const passing = passThrough(sides, stopped.signal);
  try {
    await Promise.race([sleep(1000 * seconds), passing]);
    const { all, stale } = await interleave(context.rounds, {
      all: () => millisecondsOf(sides.tasks.all(LIST)),
      stale: () => millisecondsOf(sides.tasks.stale(LIST, { olderThan })),
    });
    yield toRow({ name: `\`all\` of ${OPEN} open ${after}`, unit: "ms", values: all, goal: valueAtMost(600, "ms") });
    const name = `\`stale\` of ${OPEN} older than ${olderThan / 1000} s ${after}`;
    yield toRow({ name, unit: "ms", values: stale, goal: valueAtMost(30, "ms") });
  } finally {
    stopped.abort();
  }
  const passed = await passing;
  yield toRow({ name: "what passed through that list", unit: "tasks/s", values: [passed] });
}

/** Saves and completes the tasks of a twentieth of a second at a time; returns the number of tasks per second. */
async function passThrough({ tasks }: Sides, stopped: AbortSignal): Promise<number> {
  const some = RATE / 20;
  const start = performance.now();
  let count = 0;
  for (; !stopped.aborted; count += some) {
    const passing = [...buildTasks(LIST, some, count)].map(async (task) => {
      await tasks.save(task);
      await tasks.complete(task);
    });
    await Promise.all(passing);
    await sleep(Math.max(0, start + (1000 * (count + some)) / RATE - performance.now()));
  }
  return (1000 * count) / (performance.now() - start);
}

async function millisecondsOf(listed: AsyncIterable<{ readonly id: string }>): Promise<number> {
  const start = performance.now();
  let open = 0;
  for await (const { id } of listed) if (id.startsWith("open")) open++;
  const milliseconds = performance.now() - start;
  if (open !== OPEN) throw new Error(`found ${open} open tasks in place of ${OPEN}`);
  return milliseconds;
}
