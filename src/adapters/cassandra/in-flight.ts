/** Tracks work in flight, so that callers can wait for its end. */
export class InFlight {
  #count = 0;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Runs background work. Its errors are ignored: it is done again later. */
  run(work: () => Promise<unknown>): void {
    this.begin();
    const end = () => this.end();
    work().then(end, end);
  }

  /** Resolves when nothing is in flight. */
  async ended(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
