import { deepStrictEqual } from "node:assert/strict";
import { BinaryWriter, sizeDelimitedPeek } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { decodeFrames, encodeFrames, isTaskError, type Task } from "taskledger";
import { describe, expect, test, vi } from "vitest";
import type { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { failureOf } from "../runtime/failure.js";
import { described, envelope, filesToFetch, mixedTasks, tasks, types } from "./mixed-tasks.js";

vi.setConfig({ testTimeout: 60_000 });

const frameOf = (bytes: Uint8Array) => new BinaryWriter().bytes(bytes).finish();

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(source));
}

/** The tasks that come, and the error that ends them. */
async function read(source: AsyncIterable<Task>): Promise<{ all: Task[]; error: unknown }> {
  const all: Task[] = [];
  try {
    for await (const task of source) all.push(task);
  } catch (error) {
    return { all, error };
  }
  return { all, error: undefined };
}

/** Bytes cut into chunks of the given sizes, in turn. */
function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    yield bytes.slice(at, at + size);
    at += size;
  }
}

describe("a stream of frames", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });

  test("gives the same tasks in the same order, whatever its frames and chunks", async () => {
    await fc.assert(
      fc.asyncProperty(mixedTasks, fc.integer({ min: 1, max: 5 }), sizes, async (given, maxBatchTasks, chunks) => {
        const stream = await bytesOf(encodeFrames(given, { maxBatchTasks }));
        deepStrictEqual(described(await collect(tasks.decodeFrames(cut(stream, chunks)))), described(given));
      }),
      { numRuns: 200 },
    );
  });

  test("may hold single tasks among batches", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(envelope), mixedTasks, async (singles, batch) => {
        const stream = Buffer.concat([...singles.map(frameOf), await bytesOf(encodeFrames(batch))]);
        const given = [...singles.map((bytes) => tasks.fromBinary(bytes)), ...batch];
        deepStrictEqual(described(await collect(tasks.decodeFrames([stream]))), described(given));
      }),
    );
  });

  test("of no tasks has no bytes", async () => {
    expect(await collect(encodeFrames([]))).toEqual([]);
    expect(await collect(tasks.decodeFrames([]))).toEqual([]);
  });

  test("is what protobuf libraries read as length-delimited messages", async () => {
    const given = filesToFetch(3);
    const [frame] = (await collect(encodeFrames(given))) as [Uint8Array];
    const { eof, size, offset } = sizeDelimitedPeek(frame);
    if (eof) throw new Error("the frame has no length");
    expect(offset + size).toBe(frame.length);
    expect(tasks.fromBatch(frame.subarray(offset))).toHaveLength(3);
  });

  test("is read without a data interface where the types are given", async () => {
    expect(await collect(decodeFrames(encodeFrames(filesToFetch(1)), { types }))).toMatchObject([
      { filename: "file0.txt" },
    ]);
    expect(await failureOf(() => decodeFrames([]))).toMatchObject({ code: "NOT_CONFIGURED" });
  });
});

describe("a frame", () => {
  test("holds at most so many tasks", async () => {
    const lengths = async (options?: { maxBatchTasks: number }) => {
      const frames = await collect(encodeFrames(filesToFetch(2500), options));
      const all = await Promise.all(frames.map((frame) => collect(tasks.decodeFrames([frame]))));
      return all.map(({ length }) => length);
    };
    expect(await lengths()).toEqual([1000, 1000, 500]);
    expect(await lengths({ maxBatchTasks: 2000 })).toEqual([2000, 500]);
  });

  test("holds at most so many bytes, and as many tasks as surely fit", async () => {
    const frames = await collect(encodeFrames(filesToFetch(1000), { maxBatchBytes: 4096 }));
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(4096 + 2);
    for (const frame of frames.slice(0, -1)) expect(frame.length).toBeGreaterThan(2000);
    expect(await collect(tasks.decodeFrames(frames, { maxBatchBytes: 4096 }))).toHaveLength(1000);
  });

  test("is refused for a task that does not fit alone", async () => {
    const [task] = filesToFetch(1, { filename: "x".repeat(5000) }) as [FetchFileTask];
    expect(await failureOf(() => collect(encodeFrames([task], { maxBatchBytes: 4096 })))).toMatchObject({
      code: "TOO_LARGE",
      field: "maxBatchBytes",
    });
  });

  test.each([
    { maxBatchTasks: 0 },
    { maxBatchTasks: 10_001 },
    { maxBatchBytes: 0 },
    { signal: new AbortController() as never },
  ])("is not made with %o", async (options) => {
    expect(await failureOf(() => encodeFrames([], options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: Object.keys(options)[0],
    });
  });

  test("owns its memory", async () => {
    for (const frame of await collect(encodeFrames(filesToFetch(3), { maxBatchTasks: 1 })))
      expect(frame.buffer.byteLength).toBe(frame.length);
  });
});

describe("a reader refuses", () => {
  const limit = { maxBatchBytes: 1000 };

  test("a stream that ends inside of a frame, wherever, after the tasks of all whole frames", async () => {
    const frames = await collect(encodeFrames(filesToFetch(4), { maxBatchTasks: 2 }));
    const [first] = frames as [Uint8Array];
    const stream = Buffer.concat(frames);
    for (let end = 0; end < stream.length; end++) {
      const { all, error } = await read(tasks.decodeFrames([stream.subarray(0, end)]));
      expect(all).toHaveLength(end < first.length ? 0 : 2);
      if (end === 0 || end === first.length) expect(error).toBeUndefined();
      else
        expect(error).toMatchObject({
          code: "TRUNCATED",
          message: expect.stringMatching(`frame ${all.length / 2 + 1}`),
        });
    }
  });

  test("a frame over the limit by its length alone", async () => {
    for (const length of [1001, 2 ** 32 - 1]) {
      const header = new BinaryWriter().uint32(length).finish();
      const { error } = await read(tasks.decodeFrames([header], limit));
      expect(error).toMatchObject({
        code: "TOO_LARGE",
        message: expect.stringMatching(`${length} bytes; the limit is 1000`),
      });
    }
  });

  test("a length of more than 5 bytes", async () => {
    const { error } = await read(tasks.decodeFrames([Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x00)]));
    expect(error).toMatchObject({ code: "INVALID_BATCH" });
  });

  test("an empty frame", async () => {
    const { error } = await read(tasks.decodeFrames([Uint8Array.of(0)]));
    expect(error).toMatchObject({ code: "INVALID_ENVELOPE" });
  });

  test("chunks and sources that are no bytes", async () => {
    for (const source of [["text"], [1], "text", 5, undefined] as never[]) {
      const { error } = await read(tasks.decodeFrames(source));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "source" });
    }
  });

  test("random bytes with a TaskError, or reads tasks of them", async () => {
    const check = async (bytes: Uint8Array) => {
      const { error } = await read(tasks.decodeFrames([bytes], limit));
      if (error !== undefined) expect(isTaskError(error)).toBe(true);
    };
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 300 });
  });
});

test("memory is taken as bytes come, not as a frame's length says", async () => {
  const announced = 2 ** 30;
  const header = new BinaryWriter().uint32(announced).finish();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  function* dribble() {
    yield header;
    for (let i = 0; i < 100; i++) {
      yield new Uint8Array(1000);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  }
  const { error } = await read(tasks.decodeFrames(dribble(), { maxBatchBytes: announced }));
  expect(error).toMatchObject({ code: "TRUNCATED" });
  expect(most).toBeLessThan(10_000_000);
});
