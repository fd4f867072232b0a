import { abortedError, onAbort, throwIfAborted } from "./abort.js";
import { adviseOnSource } from "./class-advice.js";
import { invalidArgument } from "./errors.js";
import { adviseToAwait } from "./promises.js";
import { readArgument } from "./read-from.js";
import { readOr } from "./values.js";

/** The source has no element ready yet. */
export const NOT_READY: unique symbol = Symbol("nothing ready");
/** The signal was aborted meanwhile. */
export const STOPPED: unique symbol = Symbol("stopped");

/** What the promise resolves to; or STOPPED; or, if asked for, NOT_READY once everything else at hand has run. */
export function settled<T>(
  promise: PromiseLike<T>,
  stop: AbortSignal | undefined,
  orNotReady: boolean,
): Promise<T | typeof STOPPED | typeof NOT_READY> {
  return new Promise((resolve, reject) => {
    const release = stop && onAbort(stop, () => resolve(STOPPED));
    const immediate = orNotReady ? setImmediate(() => resolve(NOT_READY)) : undefined;
    const settle = () => {
      release?.();
      clearImmediate(immediate);
    };
    Promise.resolve(promise).finally(settle).then(resolve, reject);
  });
}

/** Whether a value is iterable. Strings are, but are not accepted as a source. */
export function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    readOr(false, () => Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

/** Throws INVALID_ARGUMENT if `source` is not iterable; `expected` says what was expected. */
export function iteratorOf<T>(
  source: Iterable<T> | AsyncIterable<T>,
  expected = "an iterable or async iterable of tasks",
): Iterator<T> | AsyncIterator<T> {
  if (!isIterable(source))
    throw invalidArgument("source", expected, source, adviseToAwait(source) || adviseOnSource(source));
  const iterator = readArgument("source", () => beginOf(source)) as Iterator<T> | AsyncIterator<T>;
  if (readOr(false, () => typeof iterator.next === "function")) return iterator;
  throw invalidArgument("source", expected, source, "; its iterator method does not return an iterator");
}

function beginOf(source: Iterable<unknown> | AsyncIterable<unknown>): unknown {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Returns the same result. Throws INVALID_ARGUMENT if it is not an iterator result. */
export function checkResult<R>(result: R): R {
  if (typeof result === "object" && result !== null) return result;
  throw invalidArgument("source", "an iterator that gives results", result);
}

/** A source whose `next()` is still pending can't be waited for. */
export async function closeIterator(
  iterator: Iterator<unknown> | AsyncIterator<unknown>,
  owing: boolean,
): Promise<void> {
  const closing = async () => iterator.return?.();
  const closed = closing().catch(() => undefined);
  if (!owing) await closed;
}

/** Where elements come from, and how to close it early; `owing` means that a `next()` is still pending. */
export interface Supply<T> {
  next(): IteratorResult<T> | PromiseLike<IteratorResult<T>>;
  close(owing: boolean): Promise<void>;
}

export function supplyOf<T>(source: Iterable<T> | AsyncIterable<T>, expected?: string): Supply<T> {
  const iterator = iteratorOf(source, expected);
  return { next: () => iterator.next(), close: (owing) => closeIterator(iterator, owing) };
}

/** Takes elements one by one, until the end or until the signal is aborted. */
export class SourceReader<T> {
  readonly #supply: Supply<T>;
  readonly #signal: AbortSignal | undefined;
  #asked: PromiseLike<IteratorResult<T>> | undefined;
  #isOpen = true;

  constructor(supply: Supply<T>, signal: AbortSignal | undefined) {
    this.#supply = supply;
    this.#signal = signal;
  }

  /** The next element; or, if asked for, NOT_READY if it is not available yet. Throws ABORTED, and what the source throws. */
  next(orNotReady = false): IteratorResult<T> | Promise<IteratorResult<T> | typeof NOT_READY> {
    throwIfAborted(this.#signal);
    const pulled = checkResult(this.#asked ?? this.#ask());
    if ("then" in pulled) return this.#wait(pulled, orNotReady);
    if (pulled.done) this.#isOpen = false;
    return pulled;
  }

  /** Closes the source, unless it is exhausted. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#supply.close(this.#asked !== undefined);
  }

  #ask(): IteratorResult<T> | PromiseLike<IteratorResult<T>> {
    try {
      return this.#supply.next();
    } catch (error) {
      this.#isOpen = false;
      throw error;
    }
  }

  async #wait(
    asked: PromiseLike<IteratorResult<T>>,
    orNotReady: boolean,
  ): Promise<IteratorResult<T> | typeof NOT_READY> {
    this.#asked = asked;
    try {
      const next = await settled(asked, this.#signal, orNotReady);
      if (next === STOPPED) throw abortedError(this.#signal as AbortSignal);
      if (next === NOT_READY) return next;
      this.#asked = undefined;
      if (checkResult(next).done) this.#isOpen = false;
      return next;
    } catch (error) {
      if (!this.#signal?.aborted) this.#isOpen = false; // the source threw
      throw error;
    }
  }
}
