import { type Version, VersionClock } from "../../src/core/version.js";

/** What a clock moves past, unless it is told not to. */
export interface ClockRules {
  /** The version that a save replaces. */
  readonly pastReplaced?: boolean;
  /** The versions that it made. */
  readonly pastMade?: boolean;
  /** The versions that the process met. */
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
