import type { Host } from "./host.js";

/** The least time between two looks, in milliseconds: where very many expire, each look ends those of so long. */
const GRAIN = 10;

/**
 * One timer for all that may expire. It is set for the first of them, and looks then for those whose time is over: nothing
 * has to be done for each, most of which never expire. It goes on by itself until nothing is left that may, and does not keep
 * the process going: what they wait for does.
 */
export class ExpiryTimer {
  readonly #host: Host;
  readonly #expire: () => number;
  #cancel: (() => void) | undefined;
  /** When it looks, on the host's monotonic clock. */
  #due = Infinity;

  /** `expire` ends what is due, and gives when the next will be, on the host's monotonic clock; Infinity for never. */
  constructor(host: Host, expire: () => number) {
    this.#host = host;
    this.#expire = expire;
  }

  /** Looks at this time at the latest; how long it takes from then on is up to what `expire` gives. */
  lookAt(time: number): void {
    if (time >= this.#due) return;
    this.#cancel?.();
    this.#due = time;
    this.#cancel = this.#host.later(Math.max(0, time - this.#host.monotonic()), () => {
      this.#due = Infinity;
      const next = this.#expire();
      this.lookAt(Math.max(this.#host.monotonic() + GRAIN, next));
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#due = Infinity;
  }
}
