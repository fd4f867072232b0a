import { PassThrough } from "node:stream";
import { decodeFrames, encodeFrames, type Task, type TaskError } from "taskledger";
import { describe, expect, test } from "vitest";
import type { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { failureOf } from "../runtime/failure.js";
import { filesToFetch, types } from "./mixed-tasks.js";

const read = (source: Parameters<typeof decodeFrames>[0], signal?: AbortSignal) =>
  decodeFrames(source, { types, signal });
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A source that notes what is asked of it. */
class Watched<T> implements AsyncIterableIterator<T> {
  asked = 0;
  returned = 0;
  readonly #elements: Iterator<T>;
  readonly #last: Promise<IteratorResult<T>> | undefined;

  /** At its end it gives `last`, if that is given. */
  constructor(elements: Iterable<T>, last?: Promise<never>) {
    this.#elements = elements[Symbol.iterator]();
    this.#last = last;
  }

  async next(): Promise<IteratorResult<T>> {
    this.asked++;
    const next = this.#elements.next();
    return next.done && this.#last ? this.#last : next;
  }

  async return(): Promise<IteratorResult<T>> {
    this.returned++;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const never = new Promise<never>(() => undefined);

describe("encodeFrames", () => {
  test("asks its source for no more than the frames that are asked for", async () => {
    const source = new Watched(filesToFetch(100));
    const frames = encodeFrames(source, { maxBatchTasks: 10 });
    expect(source.asked).toBe(0);
    await frames.next();
    expect(source.asked).toBe(10);
    await nextTurn();
    expect(source.asked).toBe(10);
  });

  test("sends what it has when the source has nothing ready", async () => {
    const source = new Watched(filesToFetch(3), never);
    const { value } = await encodeFrames(source).next();
    const [, , last] = await collect(read([value as Uint8Array]));
    expect(last).toMatchObject({ filename: "file2.txt" });
    expect(source.asked).toBe(4);
  });

  test("goes on with what came late", async () => {
    const [first, second] = filesToFetch(2) as [FetchFileTask, FetchFileTask];
    async function* slow() {
      yield first;
      await nextTurn();
      await nextTurn();
      yield second;
    }
    const frames = await collect(encodeFrames(slow()));
    expect(frames).toHaveLength(2);
    expect(await collect(read(frames))).toMatchObject([{ id: first.id }, { id: second.id }]);
  });

  test("lets go of a source when it is left early", async () => {
    const source = new Watched(filesToFetch(100));
    for await (const _ of encodeFrames(source, { maxBatchTasks: 1 })) break;
    expect(source.returned).toBe(1);
  });

  test("does not end a source that has ended by itself, or thrown", async () => {
    const ended = new Watched(filesToFetch(1));
    await collect(encodeFrames(ended));
    const reason = new Error("the source broke");
    const broken = new Watched<Task>([], Promise.reject(reason));
    await expect(collect(encodeFrames(broken))).rejects.toBe(reason);
    expect([ended.returned, broken.returned]).toEqual([0, 0]);
  });

  test("ends with ABORTED while it waits for its source, and lets go of it", async () => {
    const abort = new AbortController();
    const source = new Watched<Task>([], never);
    const ending = failureOf(() => encodeFrames(source, { signal: abort.signal }).next());
    await nextTurn();
    abort.abort(new Error("enough"));
    expect(await ending).toMatchObject({ code: "ABORTED", cause: { message: "enough" } });
    expect(source.returned).toBe(1);
  });

  test("lets go of its source where a task can't be sent", async () => {
    const tasks = filesToFetch(3);
    (tasks[1] as Task & { data: { filename: unknown } }).data.filename = 5;
    const source = new Watched<Task>(tasks);
    expect(await failureOf(() => collect(encodeFrames(source)))).toMatchObject({
      code: "INVALID_DATA",
      field: "filename",
    });
    expect(source.returned).toBe(1);
  });
});

describe("decodeFrames", () => {
  const framesOf = (count: number) => collect(encodeFrames(filesToFetch(count), { maxBatchTasks: 1 }));

  test("asks its source for no more than the tasks that are asked for", async () => {
    const source = new Watched(await framesOf(5));
    const tasks = read(source);
    expect(source.asked).toBe(0);
    await tasks.next();
    await nextTurn();
    expect(source.asked).toBe(1);
  });

  test("lets go of its source when it is left early, and when a frame can't be read", async () => {
    const left = new Watched(await framesOf(5));
    for await (const _ of read(left)) break;
    const broken = new Watched([Uint8Array.of(1, 1)]);
    expect(await failureOf(() => collect(read(broken)))).toMatchObject({ code: "INVALID_ENVELOPE" });
    expect([left.returned, broken.returned]).toEqual([1, 1]);
  });

  test("stops within a frame when it is aborted", async () => {
    const abort = new AbortController();
    const tasks = read(encodeFrames(filesToFetch(100)), abort.signal);
    await tasks.next();
    abort.abort();
    expect(await failureOf(() => tasks.next())).toMatchObject({ code: "ABORTED" });
  });

  test("gives what a source throws as it is", async () => {
    const reason = new Error("connection reset");
    await expect(collect(read(new Watched<Uint8Array>([], Promise.reject(reason))))).rejects.toBe(reason);
  });

  test("destroys a Node stream when it is left early, and when it is aborted while it waits", async () => {
    const left = new PassThrough();
    for (const frame of await framesOf(2)) left.write(frame);
    for await (const _ of read(left)) break;
    expect(left.destroyed).toBe(true);
    const waiting = new PassThrough();
    expect(await abortWhileWaiting((signal) => read(waiting, signal))).toMatchObject({ code: "ABORTED" });
    expect(waiting.destroyed).toBe(true);
  });

  test("cancels a web stream when it is left early, and when it is aborted while it waits", async () => {
    const cancelled: string[] = [];
    const streamOf = (name: string, chunks: readonly Uint8Array[]) =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
        },
        cancel: () => void cancelled.push(name),
      });
    for await (const _ of read(streamOf("left", await framesOf(2)))) break;
    const waiting = streamOf("aborted", []);
    expect(await abortWhileWaiting((signal) => read(waiting, signal))).toMatchObject({ code: "ABORTED" });
    expect(cancelled).toEqual(["left", "aborted"]);
    expect(waiting.locked).toBe(false);
  });
});

async function abortWhileWaiting(start: (signal: AbortSignal) => AsyncGenerator): Promise<TaskError> {
  const abort = new AbortController();
  const ending = failureOf(() => start(abort.signal).next());
  await nextTurn();
  abort.abort();
  return ending;
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}
