import type { Host } from "./host.js";

/** The least time between two looks, in milliseconds: where very many expire, each look ends those of so long. */
const GRAIN = 10;

/**
 * One timer for all that may expire. It is set for the first of them, and looks then for those whose time is over: nothing
 * has to be done for each, most of which never expire.
 */
export class ExpiryTimer {
  readonly #host: Host;
  readonly #expire: () => number | undefined;
  #cancel: (() => void) | undefined;

  /** `expire` ends what is due, and gives when the next will be, on the host's monotonic clock, if there is any. */
  constructor(host: Host, expire: () => number | undefined) {
    this.#host = host;
    this.#expire = expire;
  }

  /** Looks after so many milliseconds at the latest; how long it takes from then on is up to what `expire` gives. */
  start(milliseconds: number): void {
    this.#cancel ??= this.#host.after(milliseconds, () => {
      this.#cancel = undefined;
      const next = this.#expire();
      if (next !== undefined) this.start(Math.max(GRAIN, next - this.#host.monotonic()));
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
