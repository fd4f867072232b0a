import { collectGarbage } from "../harness.js";

/** Does something with bytes; gives what is to be held of it. */
export type Work = (input: Uint8Array) => Promise<unknown>;

const MEGABYTE = 1_000_000;

/** Fewer bytes are read several times, so that there is something to time. */
const BYTES_TO_TIME = 100_000;

/** Likewise, so that what else the process does for itself is little beside it. */
const BYTES_TO_HOLD = 400_000;

/** The processors' time, in milliseconds a kilobyte: the least of several, since what else the machine does adds to it. */
export async function timeOf(work: Work, input: Uint8Array): Promise<number> {
  const repeats = Math.ceil(BYTES_TO_TIME / input.length);
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    for (let j = 0; j < repeats; j++) await work(input);
    const { user, system } = process.cpuUsage(before);
    times.push(user + system);
  }
  return Math.min(...times) / (input.length * repeats);
}

/** What the work's result keeps in use, in bytes a byte, beyond a megabyte. */
export async function memoryOf(work: Work, input: Uint8Array): Promise<number> {
  const repeats = Math.ceil(BYTES_TO_HOLD / input.length);
  const taken = await bytesTaken(async () => {
    const results: unknown[] = [];
    for (let i = 0; i < repeats; i++) results.push(await work(input));
    return results;
  });
  return Math.max(0, taken / repeats - MEGABYTE) / input.length;
}

/** What is in use because of what the work gives. */
export async function bytesTaken(work: () => Promise<unknown>): Promise<number> {
  const before = bytesInUse();
  const held = [await work()];
  const taken = bytesInUse() - before;
  held.pop();
  return taken;
}

function bytesInUse(): number {
  collectGarbage();
  collectGarbage(); // the memory of an ArrayBuffer is free after the next one
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
