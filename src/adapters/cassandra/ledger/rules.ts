import type { SaveEntry } from "../../../adapter/adapter.js";
import type { Version } from "../../../core/version.js";
import type { LedgerPlace, Mutation } from "../model/session.js";

/**
 * The rules by which the ledger is written, read and cleaned, all in one place. Simpler ones lose tasks when replicas,
 * hints, crashes, pauses and clocks conspire; each rule here says which loss it prevents, and the simulation breaks each
 * in turn to see that it is needed.
 *
 * The tables: `tasks` has a row for each open task, found by id; `open_tasks`, the ledger, has an entry (S, id) for
 * each version S. One number is a task's version, its place in the ledger and the timestamp of every statement about
 * it. A delete at S removes what was written at S or before, however late either arrives, and nothing newer.
 */
export interface LedgerRules {
  saving(entry: SaveEntry, savedAt: Version): readonly Mutation[];
  completing(id: string, savedAt: Version): readonly Mutation[];
  removingReplaced(id: string, savedAt: Version): readonly Mutation[];
  isAcknowledged(savedAt: Version, now: Version, limits: LedgerLimits): boolean;
  scanBound(startedAt: Version, limits: LedgerLimits): Version;
  scanEnd(bound: Version, last: Version | undefined): Version;
  judge(place: LedgerPlace, row: Version | undefined, successor: Successor | undefined): Verdict;
  removalLimit(start: ScanStart, limits: LedgerLimits): Version;
  mayRemoveAbsent(place: LedgerPlace, removalLimit: Version): boolean;
  mayRemoveReplaced(replacement: Version, seen: boolean, now: Version, limits: LedgerLimits): boolean;
}

/** The limits that the rules use, in microseconds. */
export interface LedgerLimits {
  /** Maximum deviation of a host's clock. */
  readonly clock: Version;
  /** How old what is swept or removed must be at least. */
  readonly gracePeriod: Version;
}

/** What the clocks said before the first read of a scan. */
export interface ScanStart {
  readonly host: Version;
  readonly server: Version;
}

/** What a scan does with an entry (S, id), given the version V of the task row. */
export type Verdict = "yield" | "skip" | "yield-replacement";

/** What is known of the entry (V, id) of a task whose row is newer than the entry at hand. */
export interface Successor {
  /** Whether it is at hand: among those that were read together with (S, id), or last. */
  readonly atHand: boolean;
  /** Whether it is at hand, or was found when it was looked up. */
  readonly found: boolean;
}

export const ledgerRules: LedgerRules = {
  /**
   * Both rows at the version, every column written. They are one mutation of one partition, so a replica has both or
   * neither; and the same statements may be sent again at any time.
   */
  saving({ id, body }, savedAt) {
    return [
      { kind: "put-task", id, savedAt, body },
      { kind: "put-entry", savedAt, id, size: body.length },
    ];
  },

  /**
   * Both rows deleted at the version's own timestamp, never at the present time: that takes away this version and older
   * ones, whatever the hosts' clocks say, and leaves one that was saved later.
   */
  completing(id, savedAt) {
    return [
      { kind: "delete-task", id, at: savedAt },
      { kind: "delete-entry", savedAt, id, at: savedAt },
    ];
  },

  /**
   * A replaced version loses its entry, never the task row: a quorum that merges a replica from before the save with
   * one that has only the deletion would miss the task. It goes once the save is acknowledged, never in the save's own
   * batch: were that to reach one replica only, and a sweep to pass, the task would be gone from the ledger.
   */
  removingReplaced(id, savedAt) {
    return [{ kind: "delete-entry", savedAt, id, at: savedAt }];
  },

  /**
   * A save counts only if its answer came within half the grace period of its version, on the clock after the answer. The
   * process may have been stopped in between, while a sweep that read the ledger before this version was there went up
   * to it.
   */
  isAcknowledged: (savedAt, now, { gracePeriod }) => now - savedAt < gracePeriod / 2n,

  /**
   * A scan ends at its clock at the start plus twice the limit: a save that was acknowledged before it, by a host whose
   * clock is ahead, must not be missed. Both clocks may deviate, in opposite directions.
   */
  scanBound: (startedAt, { clock }) => startedAt + 2n * clock,

  /** Or at the last entry beyond that, if there is one: tasks with a version of a wrong clock must be read, too. */
  scanEnd: (bound, last) => last ?? bound,

  /**
   * - V = S: yield; the entry leads to its own version.
   * - No row: skip. The task is completed, or its save is still on the way. V < S: skip, likewise.
   * - V > S: S was replaced. Skip if the entry (V, id) is at hand: the scan has it in its memory, and comes to it. Else
   *   version V is yielded here, also where its entry is seen past what was read. V need not be acknowledged, so a sweep
   *   that missed its entry may cover that before the scan is there; or the scan skips the place as swept. The scan
   *   remembers what it yielded away from its own place, or it would come twice.
   */
  judge(place, row, successor) {
    if (row === place.savedAt) return "yield";
    if (row === undefined || successor === undefined) return "skip";
    return successor.atHand ? "skip" : "yield-replacement";
  },

  /**
   * W, the age limit of removing and sweeping, is the smaller of own and server clock, less the grace period, as they were
   * before the first read that it judges: a process that was stopped after its reads knows nothing of what came since.
   */
  removalLimit: ({ host, server }, { gracePeriod }) => (host < server ? host : server) - gracePeriod,

  /**
   * An entry without a task row is completed, or was never acknowledged, or its save is on the way. One older than W
   * can't be on its way to an acknowledgement any more, and may go.
   */
  mayRemoveAbsent: (place, removalLimit) => place.savedAt < removalLimit,

  /**
   * The entry of a version that V replaced may go once the entry of V has been seen, and while V is young on the clock
   * after that answer. A sweep that is under way may have missed (V, id); if V were older than the sweep's limit, that
   * would cover it, and S would be all that leads to the task. It then stays until the task is completed.
   *
   * V is not young, either, if it is further ahead than clocks may deviate, twice the limit: one of them is wrong. If it is the
   * reader's, V may be of any age.
   */
  mayRemoveReplaced(replacement, seen, now, { clock, gracePeriod }) {
    const age = now - replacement;
    return seen && age >= -2n * clock && age < gracePeriod / 2n;
  },
};
