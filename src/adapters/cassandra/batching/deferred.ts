/** A promise that is settled from outside. The first settlement counts; later ones are ignored. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  settled = false;
  /** Called when it is settled. */
  cleanUp: (() => void) | undefined = undefined;
  #resolve: ((value: T) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(value: T): void {
    if (this.#settle()) this.#resolve?.(value);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject?.(error);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.cleanUp?.();
    return true;
  }
}
