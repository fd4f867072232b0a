import type { Version } from "../../../core/version.js";
import { type PlacedEntry, placeKey } from "./partition-entries.js";
import type { LedgerLimits, LedgerRules, ScanStart, Verdict } from "./rules.js";

/** What a call of `all` remembers: where it began, and what it has yielded away from its own place. */
export class ListScan {
  readonly start: ScanStart;
  readonly savedBefore: Version | undefined;
  /** W, by the rule. */
  readonly removalLimit: Version;
  /** Where it ends unless a wild clock's task lies beyond. */
  readonly #bound: Version;
  /** As many as tasks were overwritten meanwhile. */
  readonly #elsewhere = new Set<string>();
  /** The ids of the tasks that were yielded past the bound: a wild clock's, and those saved since. */
  readonly #pastBound = new Set<string>();

  constructor(start: ScanStart, savedBefore: Version | undefined, rules: LedgerRules, limits: LedgerLimits) {
    const { host, server } = start;
    this.start = start;
    this.savedBefore = savedBefore;
    this.removalLimit = rules.removalLimit(start, limits);
    // The earlier clock, for the one that is wrong may be this host's.
    this.#bound = rules.scanBound(host < server ? host : server, limits);
  }

  /**
   * Whether a version that an entry leads to is yielded there, or has been elsewhere. Past `horizon` there are only versions
   * of wild clocks.
   */
  yields(entry: PlacedEntry, version: Version, verdict: Verdict, horizon: () => Version): boolean {
    const { savedBefore } = this;
    // A task that was saved again past the cutoff is not what was asked for; a wild clock's may be of any age.
    if (savedBefore !== undefined && version >= savedBefore && version <= horizon()) return false;
    return verdict !== "skip" && this.#isFirst(entry, version, verdict) && !this.#comesAgain(entry, version);
  }

  #isFirst(entry: PlacedEntry, version: Version, verdict: Verdict): boolean {
    if (verdict === "yield" && this.#elsewhere.size === 0) return true;
    const key = placeKey({ savedAt: version, id: entry.id });
    if (verdict === "yield") return !this.#elsewhere.delete(key);
    if (this.#elsewhere.has(key)) return false;
    this.#elsewhere.add(key);
    return true;
  }

  /**
   * Where a wild clock's task lies far ahead, what is saved during the scan lies in its way. A consumer that saves again
   * what it is given would be given it again, and the scan would not end.
   */
  #comesAgain({ id }: PlacedEntry, version: Version): boolean {
    if (version <= this.#bound) return false;
    if (this.#pastBound.has(id)) return true;
    this.#pastBound.add(id);
    return false;
  }
}
