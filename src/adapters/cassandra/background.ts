/**
 * Work that nobody waits for, and that may fail: what it leaves undone is found again by a later pass. A bounded
 * number runs at once; the rest waits, and is dropped where too much of it waits.
 */
export class Background {
  readonly #concurrency: number;
  readonly #limit: number;
  readonly #waiting: (() => Promise<unknown>)[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(concurrency = 64, limit = 10_000) {
    this.#concurrency = concurrency;
    this.#limit = limit;
  }

  run(work: () => Promise<unknown>): void {
    if (this.#underWay.size < this.#concurrency) this.#start(work);
    else if (this.#waiting.length < this.#limit) this.#waiting.push(work);
  }

  /** Drops what waits; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#waiting.length = 0;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #start(work: () => Promise<unknown>): void {
    const done = work().then(
      () => undefined,
      () => undefined,
    );
    const run = done.then(() => {
      this.#underWay.delete(run);
      const next = this.#waiting.shift();
      if (next) this.#start(next);
    });
    this.#underWay.add(run);
  }
}
