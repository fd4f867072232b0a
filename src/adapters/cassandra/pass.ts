import type { AllOptions } from "../../adapter.js";
import type { Version } from "../../version.js";
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
  /** As many as tasks were overwritten meanwhile. */
  readonly #elsewhere = new Set<string>();

  constructor(start: StartOfPass, options: AllOptions, rules: LedgerRules) {
    this.start = start;
    this.options = options;
    this.#rules = rules;
  }

  /** Whether a version that an entry leads to is yielded there, or has been elsewhere. */
  yields(entry: PlacedEntry, version: Version, verdict: "yield" | "yield-replacement"): boolean {
    const { savedBefore } = this.options;
    // A task that was saved again past the cutoff is not what was asked for.
    if (savedBefore !== undefined && version >= savedBefore) return false;
    if (verdict === "yield" && this.#elsewhere.size === 0) return true;
    const key = placeKey({ savedAt: version, id: entry.id });
    if (verdict === "yield") return !this.#elsewhere.delete(key);
    if (this.#elsewhere.has(key)) return false;
    if (this.#rules.remembersElsewhere) this.#elsewhere.add(key);
    return true;
  }

  /** W, by the rule. */
  removalLimit(now: Version, limits: LedgerLimits): Version {
    return this.#rules.removalLimit({ ...this.start, now }, limits);
  }
}
