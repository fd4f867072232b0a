import { readFileSync } from "node:fs";
import { collectGarbage } from "./harness.js";
import { runJob } from "./job.js";

/** The memory that reading a list took, in MB, and the number of tasks that were read. */
export interface MemoryUse {
  readonly count: number;
  /** The peak of the process's own memory, less its memory before. */
  readonly peak: number;
  /** The memory still in use at the end, after a garbage collection. */
  readonly kept: number;
}

/** Number of tasks between two measurements of the memory. */
const INTERVAL = 500;

/** Must be called in a process of its own. */
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

/** Runs a probe in a new process, from a benchmark's process. */
export async function probeMemory(suite: string, name: string, params: unknown): Promise<MemoryUse> {
  for await (const use of runJob<MemoryUse>(process.argv[1] as string, { suite, name, params })) return use;
  throw new Error(`${suite} ${name} measured nothing`);
}

/** The memory of the process without mapped files; with them, if the system can't tell. */
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
