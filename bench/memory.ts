import { readFileSync } from "node:fs";
import { collectGarbage } from "./harness.js";
import { runJob } from "./job.js";

/** How much memory reading a list took, in MB, and how many tasks were read. */
export interface MemoryUse {
  readonly count: number;
  /** The most of the process's own memory that was in use at any time, less what was before. */
  readonly peak: number;
  /** What was still in use at the end, garbage collected. */
  readonly kept: number;
}

/** How often it is looked, in tasks. */
const INTERVAL = 500;

/** To be called in a process of its own. */
export async function measureMemory(tasks: AsyncIterable<unknown>): Promise<MemoryUse> {
  collectGarbage();
  const before = privateBytes();
  const liveBefore = liveBytes();
  let most = before;
  let count = 0;
  for await (const _ of tasks) if (count++ % INTERVAL === 0) most = Math.max(most, privateBytes());
  collectGarbage();
  return { count, peak: toMegabytes(most - before), kept: toMegabytes(liveBytes() - liveBefore) };
}

/** Has a probe measured, in a new process, from within a benchmark's. */
export async function probeMemory(suite: string, name: string, params: unknown): Promise<MemoryUse> {
  for await (const use of runJob<MemoryUse>(process.argv[1] as string, { suite, name, params })) return use;
  throw new Error(`${suite} ${name} measured nothing`);
}

/** What the process occupies without the files that it maps; all of it if the system can't tell. */
function privateBytes(): number {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  } catch {
    return process.memoryUsage.rss();
  }
}

function liveBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function toMegabytes(bytes: number): number {
  return bytes / 1_000_000;
}
