import type { Adapter, SaveEntry, Version } from "../adapter/adapter.js";

/**
 * Creates a new adapter at each call, all on the same store. The suite calls it at least once per case, and closes the adapters.
 */
export type AdapterFactory = () => Adapter | Promise<Adapter>;

/** Options of the suite. */
export interface ConformanceOptions {
  /**
   * Whether the adapters of the factory share one store, which outlives them. Pass false for an adapter that keeps its tasks
   * in itself: the cases of durability and of two adapters on one store are then skipped. @defaultValue true
   */
  readonly persistent?: boolean | undefined;
  /**
   * Returns the number of reads from the store so far, in any unit. With it, the suite also checks that listing reads nothing
   * before the first pull.
   */
  readonly reads?: (() => number) | undefined;
  /**
   * Delivers a save to the store once more at the version it had, like a delayed retry. Only for stores whose writes can arrive
   * late; with it, the suite checks that such a save does not bring a task back.
   */
  readonly redeliver?: ((entry: SaveEntry, savedAt: Version) => Promise<void>) | undefined;
  /** Whether the adapter has claims; if not, their cases are skipped. @defaultValue true */
  readonly claims?: boolean | undefined;
  /**
   * How much longer than its lease a claim may block others, in milliseconds: what the adapter adds because clocks differ.
   * @defaultValue 0
   */
  readonly claimTolerance?: number | undefined;
  /** Whether the adapter has `saveTogether`; if not, its cases are skipped. @defaultValue true */
  readonly together?: boolean | undefined;
  /** Whether the adapter has `lists`; if not, its cases are skipped. @defaultValue true */
  readonly lists?: boolean | undefined;
  /** Number of tasks in the long list. @defaultValue 10,000 */
  readonly tasks?: number | undefined;
  /** The seeds of the random histories. A failure names its seed. @defaultValue 1, 2 and 3 */
  readonly seeds?: readonly number[] | undefined;
  /** Timeout of one case, in milliseconds. @defaultValue 60,000 */
  readonly timeout?: number | undefined;
}

/** The options with all defaults. */
export interface ResolvedOptions {
  readonly persistent: boolean;
  readonly reads: (() => number) | undefined;
  readonly redeliver: ((entry: SaveEntry, savedAt: Version) => Promise<void>) | undefined;
  readonly claims: boolean;
  /** Whether adapters that share a store have claims. */
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
