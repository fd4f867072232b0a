import { type Version, VersionClock } from "../../src/core/version.js";

/** The kinds of versions that a clock moves past, each of which can be switched off. */
export interface ClockRules {
  /** The version that a save replaces. */
  readonly pastReplaced?: boolean;
  /** The versions that it made. */
  readonly pastMade?: boolean;
  /** The versions that the process has seen. */
  readonly pastMet?: boolean;
}

/** A clock of versions that lacks one of its rules. */
export class WeakClock extends VersionClock {
  readonly #rules: ClockRules;
  #isMaking = false;

  constructor(wallClock: () => Version, limit: Version, rules: ClockRules) {
    super(wallClock, limit);
    this.#rules = rules;
  }

  override next(replaced: Version = 0n): Version {
    const { pastReplaced = true } = this.#rules;
    this.#isMaking = true;
    try {
      return super.next(pastReplaced ? replaced : 0n);
    } finally {
      this.#isMaking = false;
    }
  }

  override observe(version: Version): void {
    const { pastMade = true, pastMet = true } = this.#rules;
    if (this.#isMaking ? pastMade : pastMet) super.observe(version);
  }
}
