import type { AllOptions } from "../../adapter/adapter.js";
import type { Version } from "../../core/version.js";
import { type PlacedEntry, placeKey } from "./entry-stream.js";
import type { LedgerLimits, LedgerRules } from "./rules.js";

/** The clocks as they were before the first read of a pass. */
export interface StartOfPass {
  readonly before: Version;
  readonly serverBefore: Version;
}

/** One call of `all`: its start, its limits, and what it has yielded away from its place. */
export class Pass {
  readonly start: StartOfPass;
  readonly options: AllOptions;
  readonly #rules: LedgerRules;
  readonly #limits: LedgerLimits;
  /** Where it ends unless a wild clock's task lies beyond. */
  readonly #bound: Version;
  readonly #horizon: () => Version;
  /** As many as tasks were overwritten meanwhile. */
  readonly #elsewhere = new Set<string>();
  /** The ids of the tasks that were yielded past the bound: a wild clock's, and those saved since. */
  readonly #pastBound = new Set<string>();

  /** `horizon` tells past which version there are only those of wild clocks, at the time at which it is asked. */
  constructor(
    start: StartOfPass,
    options: AllOptions,
    rules: LedgerRules,
    limits: LedgerLimits,
    horizon: () => Version,
  ) {
    this.start = start;
    this.#horizon = horizon;
    this.options = options;
    this.#rules = rules;
    this.#limits = limits;
    // The earlier clock, for the one that is wrong may be this host's.
    const { before, serverBefore } = start;
    this.#bound = rules.passBound(before < serverBefore ? before : serverBefore, limits);
  }

  /** Whether a version that an entry leads to is yielded there, or has been elsewhere. */
  yields(entry: PlacedEntry, version: Version, verdict: "yield" | "yield-replacement"): boolean {
    const { savedBefore } = this.options;
    // A task that was saved again past the cutoff is not what was asked for; a wild clock's may be of any age.
    if (savedBefore !== undefined && version >= savedBefore && version <= this.#horizon()) return false;
    return this.#isFirst(entry, version, verdict) && !this.#comesAgain(entry, version);
  }

  /** Whether this version has not been yielded yet. */
  #isFirst(entry: PlacedEntry, version: Version, verdict: "yield" | "yield-replacement"): boolean {
    if (verdict === "yield" && this.#elsewhere.size === 0) return true;
    const key = placeKey({ savedAt: version, id: entry.id });
    if (verdict === "yield") return !this.#elsewhere.delete(key);
    if (this.#elsewhere.has(key)) return false;
    if (this.#rules.remembersElsewhere) this.#elsewhere.add(key);
    return true;
  }

  /**
   * Where a wild clock's task lies far ahead, what is saved during the pass lies in its way. A consumer that saves again
   * what it is given would be given it again, and the pass would not end.
   */
  #comesAgain({ id }: PlacedEntry, version: Version): boolean {
    if (version <= this.#bound) return false;
    if (this.#pastBound.has(id)) return true;
    this.#pastBound.add(id);
    return false;
  }

  /** W, by the rule. */
  removalLimit(now: Version): Version {
    return this.#rules.removalLimit({ ...this.start, now }, this.#limits);
  }
}
