import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import type { DataInterface } from "../../../src/index.js";
import { Crew } from "./crew.js";
import { judge } from "./judge.js";
import { readLog } from "./log.js";
import type { WorkerOptions } from "./worker-options.js";

const WORKERS = 8;
const TASKS = 2_000;
const CONCURRENCY = 4;
const LEASE = 1_500;
const LIST = "recovered";
const TIMEOUT = 75_000;

export interface RunOptions {
  readonly tasks: DataInterface<typeof FetchFileTask>;
  readonly store: WorkerOptions["store"];
  readonly log: string;
  /** How much longer than its lease a claim blocks others, in milliseconds. */
  readonly tolerance: number;
}

/** Recovers a list while workers are killed, and stopped for longer than their leases; then judges their logs. */
export async function recoverAmidstFaults({ tasks, store, log, tolerance }: RunOptions): Promise<void> {
  const ids = Array.from({ length: TASKS }, (_, i) => `task${i}`);
  await tasks.saveAll(ids.map((id) => FetchFileTask.build({ taskList: LIST, id })));
  const work = { shortest: 20, longest: 80, concurrency: CONCURRENCY, lease: LEASE };
  const start = performance.now();
  const timeout = sleep(TIMEOUT, undefined, { ref: false });
  const crew = await Crew.hire(WORKERS, { list: LIST, log, store, ...work });
  try {
    const recovering = Promise.all([disturb(tasks, crew, tolerance), untilEmpty(tasks)]);
    await Promise.race([recovering, crew.failure, timeout.then(() => Promise.reject(new Error("it takes too long")))]);
    await crew.dismiss();
  } finally {
    crew.killAll();
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const killed = crew.stops.filter(({ to }) => to === Number.POSITIVE_INFINITY).length;
  const stopped = crew.stops.length - killed;
  const judgement = judge(ids, readLog(log), crew.stops);
  const { handled, twice, overlaps, unexplained, late, stalls, missing, repeatedTokens } = judgement;
  console.log(
    `${handled} of ${TASKS} tasks recovered by ${WORKERS} workers in ${seconds} s; ${killed} killed, ${stopped} stopped; ` +
      `${twice} tasks handled twice, ${overlaps.length} by two live leases at once, ` +
      `${unexplained.length} without a fault; ${late} times a worker woke and worked on past its lease` +
      (stalls > 0 ? `; workers were held up ${stalls} times for long` : ""),
  );
  expect({ missing, overlaps, unexplained, repeatedTokens }).toEqual({
    missing: [],
    overlaps: [],
    unexplained: [],
    repeatedTokens: 0,
  });
  expect(killed).toBeGreaterThanOrEqual(3);
  expect(stopped).toBeGreaterThanOrEqual(3);
  expect(twice).toBeLessThanOrEqual((killed + stopped + stalls) * CONCURRENCY);
}

/** One fault after the other, while there is work. */
async function disturb(tasks: RunOptions["tasks"], crew: Crew, tolerance: number): Promise<void> {
  await untilBegun(tasks);
  const stops: Promise<void>[] = [];
  for (let i = 0; i < 8 && !(await isEmpty(tasks)); i++) {
    if (i % 2 === 0) await crew.kill();
    else stops.push(crew.stop(LEASE + tolerance + 500));
    await sleep(300);
  }
  await Promise.all(stops);
}

async function untilBegun(tasks: RunOptions["tasks"]): Promise<void> {
  while ((await tasks.find(LIST, "task99")) !== undefined) await sleep(20);
}

async function untilEmpty(tasks: RunOptions["tasks"]): Promise<void> {
  while (!(await isEmpty(tasks))) await sleep(100);
}

async function isEmpty(tasks: RunOptions["tasks"]): Promise<boolean> {
  for await (const _ of tasks.all(LIST)) return false;
  return true;
}
