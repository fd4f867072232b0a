import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { DataInterface, isTaskError, type Task } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test, vi } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { FrameReader } from "../../src/batch/frames.js";
import { hostileBatches, hostileStreams } from "./hostile-batches.js";
import { memoryInUse } from "./memory.js";

vi.setConfig({ testTimeout: 60_000 });

const BYTES_A_BYTE = 128;
const FIXED_BYTES = 1_000_000;

const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });

/** The tasks of a batch, or why it is refused. */
function read(batch: Uint8Array): readonly Task[] | Error {
  try {
    return tasks.fromBatch(batch);
  } catch (error) {
    if (isTaskError(error)) return error;
    throw error;
  }
}

describe("a batch takes memory in proportion to its bytes, with", () => {
  test.each(Object.entries(hostileBatches))("%s", (_, batch) => {
    const before = memoryInUse();
    const result = read(batch);
    const taken = memoryInUse() - before;
    expect(result).toBeDefined();
    expect(taken).toBeLessThan(BYTES_A_BYTE * batch.length + FIXED_BYTES);
  });
});

describe("a stream takes memory in proportion to its bytes, with", () => {
  test.each(Object.entries(hostileStreams))("%s", async (_, stream) => {
    const before = memoryInUse();
    const read: Task[] = [];
    for await (const task of tasks.decodeFrames([stream])) read.push(task);
    const taken = memoryInUse() - before;
    expect(read).toHaveLength(20_000);
    expect(taken).toBeLessThan(BYTES_A_BYTE * stream.length + FIXED_BYTES);
  });
});

test("a frame takes no memory by its length, and at most twice what has come of it", () => {
  const MEGABYTE = 2 ** 20;
  const header = new BinaryWriter().uint32(MEGABYTE).finish();
  const before = memoryInUse();
  const readers = Array.from({ length: 1000 }, () => new FrameReader(MEGABYTE));
  for (const reader of readers) expect([...reader.read(header)]).toEqual([]);
  expect(memoryInUse() - before).toBeLessThan(1_000_000);
  for (const reader of readers) for (let i = 0; i < 10; i++) expect([...reader.read(new Uint8Array(999))]).toEqual([]);
  expect(memoryInUse() - before).toBeLessThan(21_000_000);
});
