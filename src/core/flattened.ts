const ignore = () => {};

/**
 * Gives the elements of lists one by one, as an async generator would that yields them. But one that is at hand takes no more
 * than its promise, for which an async generator makes several objects more.
 */
export class Flattened<T> implements AsyncGenerator<T, void, undefined> {
  readonly #lists: AsyncGenerator<Iterable<T>, void, undefined>;
  #list: Iterator<T> | undefined;
  /** The calls that wait for a list, or for the end of another call. */
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(lists: AsyncGenerator<Iterable<T>, void, undefined>) {
    this.#lists = lists;
  }

  next(): Promise<IteratorResult<T, void>> {
    const next = this.#waiting === 0 ? this.#take() : undefined;
    return next ? Promise.resolve(next) : this.#inTurn(() => this.#pull());
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#inTurn(() => {
      this.#list = undefined;
      return this.#lists.return() as Promise<IteratorReturnResult<void>>;
    });
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    return this.#inTurn(() => this.#fail(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #inTurn<R>(act: () => Promise<R>): Promise<R> {
    this.#waiting++;
    const done = this.#turn.then(act).finally(() => {
      this.#waiting--;
    });
    this.#turn = done.catch(ignore);
    return done;
  }

  /** The next element, if it is at hand. */
  #take(): IteratorResult<T, void> | Promise<never> | undefined {
    try {
      const next = this.#list?.next();
      return next?.done ? undefined : next;
    } catch (error) {
      return this.#fail(error);
    }
  }

  async #pull(): Promise<IteratorResult<T, void>> {
    for (let next = this.#take(); ; next = this.#take()) {
      if (next) return next;
      const list = await this.#lists.next();
      if (list.done) return list;
      this.#list = list.value[Symbol.iterator]();
    }
  }

  /** Closes what the lists come from. */
  #fail(error: unknown): Promise<never> {
    this.#list = undefined;
    return this.#lists.throw(error) as Promise<never>;
  }
}
