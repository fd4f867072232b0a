import { checkCount } from "./arguments.js";

/**
 * Maps a source with at most `concurrency` calls at once; yields results in the order in which the calls complete. Pulls from
 * the source only what it can start at once. If the iteration stops early, it waits for the calls in flight.
 */
export async function* mapConcurrently<T, R>(
  source: AsyncGenerator<T>,
  map: (value: T) => Promise<R>,
  concurrency = 1,
): AsyncGenerator<R, void, undefined> {
  checkCount("concurrency", concurrency);
  const inFlight = new Map<object, Promise<KeyedEvent<T, R>>>();
  const start = <V>(promise: Promise<V>, toEvent: (value: V) => Event<T, R>): object => {
    const key = {};
    // It never rejects: a rejection could come while nobody awaits it.
    const settled = promise.then(toEvent, (error: unknown): Event<T, R> => ({ error }));
    inFlight.set(
      key,
      settled.then((event) => ({ key, event })),
    );
    return key;
  };
  let pull: object | undefined;
  let hasEnded = false;
  try {
    while (true) {
      const calls = inFlight.size - (pull ? 1 : 0);
      if (!hasEnded && !pull && calls < concurrency) pull = start(source.next(), (pulled) => ({ pulled }));
      if (inFlight.size === 0) return;
      const { key, event } = await Promise.race(inFlight.values());
      inFlight.delete(key);
      if ("error" in event) throw event.error;
      if ("result" in event) {
        yield event.result;
        continue;
      }
      pull = undefined;
      if (event.pulled.done) hasEnded = true;
      else start(map(event.pulled.value), (result) => ({ result }));
    }
  } finally {
    await Promise.all(inFlight.values());
    await source.return(undefined);
  }
}

/** What a pull or a call has settled with. */
type Event<T, R> = { readonly pulled: IteratorResult<T> } | { readonly result: R } | { readonly error: unknown };

interface KeyedEvent<T, R> {
  readonly key: object;
  readonly event: Event<T, R>;
}

/** Does the work for each item, at most `concurrency` at once. After a failure it starts no more; rejects with the first. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    try {
      while (next < items.length) await work(items[next++] as T);
    } catch (error) {
      next = items.length;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/** Splits the items into arrays of `size`; the last may be shorter. */
export function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
