import { setTimeout as sleep } from "node:timers/promises";
import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond, secondsOf } from "../harness.js";
import { failedRow, type Row, ratioAtMost, toRow } from "../row.js";
import { buildTask, buildTasks, type FetchFileTask, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";

const COMPLETED = 1_000_000;
const OPEN = 10;
const CHUNK = 10_000;
/** Calls of `all` per round. */
const CALLS = 200;
/** The minimum grace period at the default limit for clocks; its default is a minute. */
const GRACE_PERIOD = 20_000;

/**
 * Ten tasks stay open, spread over a list in which a million others were saved and completed. The list is read before
 * and after a sweep, which only this benchmark starts.
 */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "completed", {
    gracePeriod: GRACE_PERIOD,
    sweepEvery: 0,
  });
  const completed = scaled(context, COMPLETED);
  await sides.tasks.saveAll(buildTasks("fresh", OPEN));
  await fill(sides, "used", completed);
  const after = `\`all\` of ${OPEN} open after ${completed.toLocaleString("en")} completed`;

  const unswept = await interleave(Math.min(context.rounds, 3), {
    used: () => millisecondsOfAll(sides, "used", 1),
    fresh: () => millisecondsOfAll(sides, "fresh", CALLS),
  });
  yield toRow({ name: `${after}, none swept yet`, unit: "ms", values: unswept.used, baselines: unswept.fresh });

  await sleep(GRACE_PERIOD + 1_000);
  const sweep = (await secondsOf(() => sides.adapter.sweep("used"))) * 1000;
  yield toRow({ name: `sweep of these ${completed.toLocaleString("en")}`, unit: "ms", values: [sweep] });

  const swept = await interleave(context.rounds, {
    used: () => millisecondsOfAll(sides, "used", CALLS),
    fresh: () => millisecondsOfAll(sides, "fresh", CALLS),
  });
  yield toRow({
    name: after,
    unit: "ms",
    values: swept.used,
    baselines: swept.fresh,
    goal: ratioAtMost(2),
    note: `against a fresh list of ${OPEN}; after the sweep`,
  });
  yield await rawRow(sides, completed);
}

/** A tenth of the tasks at a time; the first of each tenth stays open. */
async function fill({ tasks }: Sides, list: string, completed: number): Promise<void> {
  const part = completed / OPEN;
  for (let tenth = 0; tenth < OPEN; tenth++) {
    await tasks.save(buildTask(list, `open${tenth}.txt`));
    for (let from = 0; from < part; from += CHUNK) {
      const chunk = [...buildTasks(list, Math.min(CHUNK, part - from), tenth * part + from)];
      await tasks.saveAll(chunk);
      await tasks.completeAll(chunk);
    }
  }
}

async function millisecondsOfAll({ tasks }: Sides, list: string, calls: number): Promise<number> {
  const rate = await perSecond(calls, 1, async () => {
    const open: FetchFileTask[] = [];
    for await (const task of tasks.all(list)) open.push(task as FetchFileTask);
    if (open.length !== OPEN) throw new Error(`${list} has ${open.length} open tasks in place of ${OPEN}`);
  });
  return 1000 / rate;
}

/** The same work on the raw table. */
async function rawRow({ raw }: Sides, completed: number): Promise<Row> {
  const stored = await storedBytes("used", OPEN);
  for (const [index, bytes] of stored.entries()) await raw.save("used", `open${index}.txt`, bytes);
  await perSecond(completed, 256, async (index) => {
    await raw.save("used", idOf(index), stored[0] as Buffer);
    await raw.complete("used", idOf(index));
  });
  const name = `the same list in one partition, clustered by id`;
  try {
    const seconds = await secondsOf(async () => {
      for await (const _ of raw.all("used", 5_000));
    });
    return toRow({ name, unit: "ms", values: [seconds * 1000] });
  } catch (error) {
    return failedRow(name, "ms", `fails: ${(error as Error).message}`);
  }
}
