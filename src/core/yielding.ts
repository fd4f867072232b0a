// Taken when this is loaded: tests may put another in its place, which stands still.
const { setImmediate } = globalThis;

/** How much may be done in one turn of the event loop: about this many tasks, or kilobytes of them. */
const MOST = 1_000;

/**
 * Lets timers and connections have their turn. Loops over what a store returns await this: where the store answers at once, as
 * one in memory or a local file, nothing else in them would. It counts, rather than asks the time, so that loops with few tasks
 * never wait, whatever the time is in a test.
 */
export class Yielder {
  #done = 0;

  /** To be awaited after each part of the work: a number of tasks, and the bytes of them. */
  async after(tasks: number, bytes = 0): Promise<void> {
    this.#done += tasks + bytes / 1024;
    if (this.#done < MOST) return;
    this.#done = 0;
    await yieldToEventLoop();
  }
}

/** Lets timers and connections have their turn now. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
