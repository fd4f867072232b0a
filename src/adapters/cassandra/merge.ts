import type { StoredTask } from "./ledger-reader.js";

/** A partition's tasks: a chunk at hand, and the next on its way. */
class Stream {
  readonly #source: AsyncGenerator<StoredTask[], void, undefined>;
  #chunk: readonly StoredTask[] = [];
  #index = 0;
  #next: Promise<IteratorResult<StoredTask[], void>> | undefined;

  constructor(source: AsyncGenerator<StoredTask[], void, undefined>) {
    this.#source = source;
  }

  get head(): StoredTask | undefined {
    return this.#chunk[this.#index];
  }

  /** Whether there is a head, once the next chunk is here. */
  async fill(): Promise<boolean> {
    if (this.head !== undefined) return true;
    const { value, done } = await (this.#next ?? this.#source.next());
    this.#next = undefined;
    if (done) return false;
    this.#chunk = value;
    this.#index = 0;
    return true;
  }

  /** Takes the head; asks for the next chunk when half of this one is gone. */
  take(): StoredTask {
    const task = this.#chunk[this.#index++] as StoredTask;
    if (this.#next === undefined && this.#index * 2 >= this.#chunk.length) {
      this.#next = this.#source.next();
      this.#next.catch(() => undefined); // it is reported by `fill`
    }
    return task;
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => undefined);
    await this.#source.return();
  }
}

/** The tasks of all partitions of a list in one order. Each source is in order. */
export async function* mergeInOrder(
  sources: readonly AsyncGenerator<StoredTask[], void, undefined>[],
  concurrency: number,
): AsyncGenerator<StoredTask, void, undefined> {
  const streams = sources.map((source) => new Stream(source));
  try {
    const heap = new StreamHeap();
    await forEachConcurrently(streams, concurrency, async (stream) => {
      if (await stream.fill()) heap.push(stream);
    });
    for (let first = heap.first; first !== undefined; first = heap.first) {
      yield first.take();
      if (await first.fill()) heap.siftFirst();
      else heap.removeFirst();
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.close()));
  }
}

async function forEachConcurrently<T>(items: readonly T[], concurrency: number, work: (item: T) => Promise<void>) {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/** A binary heap of streams, the one with the oldest head first. */
class StreamHeap {
  readonly #streams: Stream[] = [];

  get first(): Stream | undefined {
    return this.#streams[0];
  }

  push(stream: Stream): void {
    this.#streams.push(stream);
    for (let i = this.#streams.length - 1; i > 0 && this.#isBefore(i, (i - 1) >> 1); i = (i - 1) >> 1)
      this.#swap(i, (i - 1) >> 1);
  }

  /** The first stream has another head. */
  siftFirst(): void {
    for (let i = 0; ; ) {
      const least = [2 * i + 1, 2 * i + 2].reduce((best, child) => (this.#isBefore(child, best) ? child : best), i);
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  removeFirst(): void {
    const last = this.#streams.pop();
    if (last === undefined || this.#streams.length === 0) return;
    this.#streams[0] = last;
    this.siftFirst();
  }

  #isBefore(a: number, b: number): boolean {
    const [left, right] = [this.#streams[a]?.head, this.#streams[b]?.head];
    return left !== undefined && right !== undefined && left.place < right.place;
  }

  #swap(a: number, b: number): void {
    const [left, right] = [this.#streams[a] as Stream, this.#streams[b] as Stream];
    this.#streams[a] = right;
    this.#streams[b] = left;
  }
}
