/** A caller that waits for its answer, of which it gets one: what comes after the first changes nothing. */
export class Waiter<T> {
  /** Whether it has had its answer. */
  settled = false;
  /** Ends to listen to its signal, if it has one. */
  release: (() => void) | undefined = undefined;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: T): void {
    if (this.#settle()) this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  /** Whether this is the first answer. */
  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.release?.();
    return true;
  }
}
