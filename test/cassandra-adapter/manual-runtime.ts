import { processRuntime, type Runtime } from "../../src/adapters/cassandra/runtime.js";

interface Timer {
  readonly time: number;
  readonly callback: () => void;
}

/** A runtime whose time passes only when a test says so. */
export class ManualRuntime implements Runtime {
  readonly clock = processRuntime.clock;
  readonly later = this.after;
  readonly #timers = new Set<Timer>();
  #now = 1_000;

  /** How many timers run. */
  get timers(): number {
    return this.#timers.size;
  }

  monotonic(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { time: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets so many milliseconds pass, and all that happens by then. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const [first] = [...this.#timers].sort((a, b) => a.time - b.time);
      if (first === undefined || first.time > end) break;
      this.#now = first.time;
      this.#timers.delete(first);
      first.callback();
    }
    this.#now = end;
  }
}
