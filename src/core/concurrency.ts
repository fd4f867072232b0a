import { checkCount } from "./arguments.js";

/**
 * Maps a source with at most `concurrency` calls at once; yields results in the order in which the calls complete. Pulls from
 * the source only what it can start at once. If it is left early, it waits for the calls in flight.
 */
export async function* mapConcurrently<T, R>(
  source: AsyncGenerator<T>,
  map: (value: T) => Promise<R>,
  concurrency = 1,
): AsyncGenerator<R, void, undefined> {
  checkCount("concurrency", concurrency);
  const underWay = new Map<object, Promise<Happening<T, R>>>();
  const start = <V>(promise: Promise<V>, tell: (value: V) => Outcome<T, R>): object => {
    const key = {};
    const asOutcome = promise.then(tell, (error: unknown): Outcome<T, R> => ({ error }));
    // It never rejects: nobody may be looking when the promise does.
    underWay.set(
      key,
      asOutcome.then((outcome) => ({ key, outcome })),
    );
    return key;
  };
  let pull: object | undefined;
  let hasEnded = false;
  try {
    while (true) {
      const calls = underWay.size - (pull ? 1 : 0);
      if (!hasEnded && !pull && calls < concurrency) pull = start(source.next(), (pulled) => ({ pulled }));
      if (underWay.size === 0) return;
      const { key, outcome } = await Promise.race(underWay.values());
      underWay.delete(key);
      if ("error" in outcome) throw outcome.error;
      if ("result" in outcome) {
        yield outcome.result;
        continue;
      }
      pull = undefined;
      if (outcome.pulled.done) hasEnded = true;
      else start(map(outcome.pulled.value), (result) => ({ result }));
    }
  } finally {
    await Promise.all(underWay.values());
    await source.return(undefined);
  }
}

type Outcome<T, R> = { readonly pulled: IteratorResult<T> } | { readonly result: R } | { readonly error: unknown };

interface Happening<T, R> {
  readonly key: object;
  readonly outcome: Outcome<T, R>;
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
