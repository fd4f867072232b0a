import { setTimeout as sleep } from "node:timers/promises";
import type { PageRequest } from "./page-data.js";

/** The current content of a page. */
export interface Snapshot {
  readonly fingerprint: string;
  readonly html: string;
}

/** An open page. */
export interface Viewer {
  /** The fingerprint of the content that the viewer shows. */
  seen: string;
  show(snapshot: Snapshot): void;
  /** The store did not answer. */
  fail(): void;
  /** There are no more updates. */
  end(): void;
}

interface Topic {
  readonly request: PageRequest;
  readonly mayAct: boolean;
  readonly viewers: Set<Viewer>;
}

export type ReadSnapshot = (request: PageRequest, mayAct: boolean, signal: AbortSignal) => Promise<Snapshot>;

/** Polling takes at most a tenth of the time, however slow the store is: the pause is this many times as long. */
const REST = 9;

/**
 * Polls the pages that are open for changes: each page once, however many viewers it has, one after the other; not at all if
 * none is open.
 */
export class LiveUpdates {
  readonly #read: ReadSnapshot;
  /** In milliseconds. */
  readonly #interval: number;
  readonly #topics = new Map<string, Topic>();
  readonly #closed = new AbortController();
  #isRunning = false;

  constructor(read: ReadSnapshot, interval: number) {
    this.#read = read;
    this.#interval = interval;
  }

  get viewers(): number {
    let count = 0;
    for (const { viewers } of this.#topics.values()) count += viewers.size;
    return count;
  }

  /** Returns a function that ends it. After `close`, it has ended already. */
  watch(request: PageRequest, mayAct: boolean, viewer: Viewer): () => void {
    if (this.#closed.signal.aborted) {
      viewer.end();
      return () => undefined;
    }
    const key = JSON.stringify([mayAct, ...Object.values(request).map(String)]);
    const topic = this.#topics.get(key) ?? { request, mayAct, viewers: new Set() };
    this.#topics.set(key, topic);
    topic.viewers.add(viewer);
    if (!this.#isRunning) void this.#run();
    return () => {
      topic.viewers.delete(viewer);
      if (topic.viewers.size === 0) this.#topics.delete(key);
    };
  }

  close(): void {
    this.#closed.abort();
    for (const { viewers } of this.#topics.values()) for (const viewer of viewers) viewer.end();
    this.#topics.clear();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let pause = this.#interval;
    const { signal } = this.#closed;
    while (this.#topics.size > 0) {
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
      const start = performance.now();
      for (const topic of [...this.#topics.values()]) await this.#look(topic);
      pause = Math.max(this.#interval, REST * (performance.now() - start));
    }
    this.#isRunning = false;
  }

  async #look({ request, mayAct, viewers }: Topic): Promise<void> {
    if (viewers.size === 0) return;
    try {
      const snapshot = await this.#read(request, mayAct, this.#closed.signal);
      for (const viewer of viewers) {
        if (viewer.seen !== snapshot.fingerprint) viewer.show(snapshot);
        viewer.seen = snapshot.fingerprint;
      }
    } catch {
      for (const viewer of viewers) {
        viewer.seen = ""; // so that the next content is shown, even if it has not changed
        viewer.fail();
      }
    }
  }
}
