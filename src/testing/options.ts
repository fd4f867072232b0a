import type { Adapter, SaveEntry, Version } from "../adapter/adapter.js";

/**
 * Makes a new adapter each time it is called, all of them on one store. The suite calls it once a case, or more often
 * where a case needs several, and closes what it got.
 */
export type AdapterFactory = () => Adapter | Promise<Adapter>;

/** Options of the suite. */
export interface ConformanceOptions {
  /**
   * Whether the adapters of the factory share one store, which outlives them. True by default; false for an adapter
   * that keeps its tasks in itself, and the cases of durability and of two adapters on one store are skipped.
   */
  readonly persistent?: boolean | undefined;
  /**
   * How often tasks have been read from the store so far, in any unit. Given this, the suite also sees from within that
   * listing reads nothing before the first pull.
   */
  readonly reads?: (() => number) | undefined;
  /**
   * Delivers a save to the store once more at the version it had, as a retry does that was held up on its way. Only for
   * stores whose writes can arrive late; given this, the suite checks that such a save brings nothing back.
   */
  readonly redeliver?: ((entry: SaveEntry, savedAt: Version) => Promise<void>) | undefined;
  /** Whether the adapter has claims. True by default; false for one that has not, and their cases are skipped. */
  readonly claims?: boolean | undefined;
  /**
   * How much longer than its lease a claim may keep others off, in milliseconds: what the adapter adds because clocks
   * differ. 0 by default.
   */
  readonly claimTolerance?: number | undefined;
  /** Whether the adapter has `saveTogether`. True by default; false for one that has not, and its cases are skipped. */
  readonly together?: boolean | undefined;
  /** Whether the adapter has `lists`. True by default; false for one that has not, and its cases are skipped. */
  readonly lists?: boolean | undefined;
  /** How many tasks the long list has; 10,000 by default. */
  readonly tasks?: number | undefined;
  /** The seeds of the random histories; 1, 2 and 3 by default. A failure names its seed. */
  readonly seeds?: readonly number[] | undefined;
  /** How long one case may take, in milliseconds; 60,000 by default. */
  readonly timeout?: number | undefined;
}

/** The options with nothing left open. */
export interface ResolvedOptions {
  readonly persistent: boolean;
  readonly reads: (() => number) | undefined;
  readonly redeliver: ((entry: SaveEntry, savedAt: Version) => Promise<void>) | undefined;
  readonly claims: boolean;
  /** Whether there are claims, of adapters that share a store. */
  readonly sharedClaims: boolean;
  readonly claimTolerance: number;
  readonly together: boolean;
  readonly lists: boolean;
  readonly tasks: number;
  readonly seeds: readonly number[];
  readonly timeout: number;
}

export function resolveOptions(options: ConformanceOptions): ResolvedOptions {
  const { persistent = true, reads, redeliver, claims = true, claimTolerance = 0 } = options;
  const { together = true, lists = true, tasks = 10_000, seeds = [1, 2, 3], timeout = 60_000 } = options;
  const sharedClaims = persistent && claims;
  return {
    ...{ persistent, reads, redeliver, claims, sharedClaims, claimTolerance },
    ...{ together, lists, tasks, seeds, timeout },
  };
}
