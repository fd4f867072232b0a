import { describeValue, TaskError } from "./errors.js";

/** Throws INVALID_ARGUMENT unless `value` is a whole number from 1. */
export function checkCount(field: string, value: unknown): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1) return;
  throw new TaskError("INVALID_ARGUMENT", `${field} must be a whole number from 1; got ${describeValue(value)}`, {
    field,
  });
}

/**
 * Maps a source by at most `concurrency` calls at once; gives results as they come. Takes from the source only what it
 * can start at once. When it is left early, it waits for the calls under way.
 */
export async function* mapConcurrently<T, R>(
  source: AsyncGenerator<T>,
  map: (value: T) => Promise<R>,
  concurrency = 1,
): AsyncGenerator<R, void, undefined> {
  checkCount("concurrency", concurrency);
  const underWay = new Set<Promise<R>>();
  try {
    for (let ended = false; ; ) {
      while (!ended && underWay.size < concurrency) {
        const next = await source.next();
        if (next.done) ended = true;
        else underWay.add(map(next.value));
      }
      if (underWay.size === 0) return;
      const [first, result] = await Promise.race([...underWay].map(async (call) => [call, await call] as const));
      underWay.delete(first);
      yield result;
    }
  } finally {
    await Promise.allSettled(underWay);
    await source.return(undefined);
  }
}
