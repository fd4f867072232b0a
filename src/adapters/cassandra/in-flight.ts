/** Tracks work in flight, so that callers can wait for its end. */
export class InFlight {
  readonly #work = new Set<Promise<unknown>>();

  /** Errors of work that nobody awaits are ignored: it is done again later. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    const end = () => void this.#work.delete(running);
    this.#work.add(running);
    running.then(end, end);
    return running;
  }

  /** Resolves when nothing is in flight. */
  async ended(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled(this.#work);
  }
}
