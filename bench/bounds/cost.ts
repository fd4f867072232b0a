import { GCProfiler } from "node:v8";
import { collectGarbage } from "../harness.js";

/** Reads input; returns what has to be kept of it. */
export type Work = () => unknown;

/** An input to read, and its length in bytes or characters. */
export interface Input {
  readonly name: string;
  readonly length: number;
  readonly work: Work;
}

/** The cost of reading, whether it ends with a task or an error. */
export interface Cost {
  /** CPU milliseconds per kilobyte: the minimum of several, since other work of the machine adds to it. */
  readonly time: number;
  /** What the result keeps in memory after a garbage collection, less a megabyte, in bytes per byte. */
  readonly held: number;
  /**
   * The same for all objects that were created, and all buffers that still exist. Buffers that were released are not
   * counted: Node has no counter for them.
   */
  readonly allocated: number;
}

export type Figure = keyof Cost;

const MEGABYTE = 1_000_000;

/** Shorter inputs are read several times, to get a measurable time. */
const BYTES_TO_TIME = 50_000;
const BYTES_TO_HOLD = 100_000;

export async function costOf(input: Input): Promise<Cost> {
  const time = await timeOf(input);
  const repeats = Math.ceil(BYTES_TO_HOLD / input.length);
  const all = async () => {
    const results: unknown[] = [];
    for (let i = 0; i < repeats; i++) results.push(await input.work());
    return results;
  };
  const { held, allocated } = await memoryOf(all);
  const beyond = (bytes: number) => Math.max(0, bytes / repeats - MEGABYTE) / input.length;
  return { time, held: beyond(held), allocated: beyond(allocated) };
}

async function timeOf({ work, length }: Input): Promise<number> {
  const repeats = Math.ceil(BYTES_TO_TIME / length);
  const times: number[] = [];
  for (let i = 0; i < 2; i++) {
    const before = process.cpuUsage();
    for (let j = 0; j < repeats; j++) await work();
    const { user, system } = process.cpuUsage(before);
    times.push(user + system);
  }
  return Math.min(...times) / (length * repeats);
}

/** In bytes. */
export async function memoryOf(work: Work): Promise<{ readonly held: number; readonly allocated: number }> {
  collectAll();
  const before = process.memoryUsage();
  const profiler = new GCProfiler();
  profiler.start();
  const result = [await work()];
  const after = process.memoryUsage();
  const collections = profiler.stop()?.statistics ?? [];
  const collected = collections.reduce((sum, { beforeGC, afterGC }) => sum + usedHeap(beforeGC) - usedHeap(afterGC), 0);
  const buffers = Math.max(0, after.external - before.external);
  collectAll();
  const end = process.memoryUsage();
  result.pop();
  return {
    held: end.heapUsed + end.external - before.heapUsed - before.external,
    allocated: after.heapUsed - before.heapUsed + collected + buffers,
  };
}

function usedHeap({ heapStatistics }: { readonly heapStatistics: object }): number {
  return (heapStatistics as { readonly usedHeapSize: number }).usedHeapSize;
}

function collectAll(): void {
  collectGarbage();
  collectGarbage(); // the memory of an ArrayBuffer is free after the next one
}
