import type { SaveEntry } from "../../../adapter/adapter.js";
import type { Version } from "../../../core/version.js";
import type { LedgerPlace, Mutation } from "../model/session.js";

/** The limits that the rules use, in microseconds. */
export interface LedgerLimits {
  /** Maximum deviation of a host's clock. */
  readonly clock: Version;
  /** Minimum age of what is swept or removed. */
  readonly gracePeriod: Version;
}

/** The clocks, read before the first read of a scan. */
export interface ScanStart {
  readonly host: Version;
  readonly server: Version;
}

/** What a scan does with an entry (S, id), given the version V of the task row. */
export type Verdict = "yield" | "skip" | "yield-replacement";

/** If the task row has a version V later than S: what is known of the entry (V, id). */
export interface Successor {
  /** Whether the scan has it in memory: in the page of (S, id), or in the last page that was read. */
  readonly atHand: boolean;
  /** Whether it exists: the scan has it in memory, or a query has found it. */
  readonly found: boolean;
}

/**
 * The rules by which the ledger is written, read and cleaned, all in one place. Simpler rules lose tasks in some combinations
 * of late replicas, hints, crashes, pauses and wrong clocks. Each rule says which loss it prevents, and the simulation breaks
 * each in turn to show that it is needed.
 *
 * The tables: `tasks` has a row for each open task, found by id; `open_tasks`, the ledger, has an entry (S, id) for
 * each version S. The same number is a task's version, its place in the ledger and the timestamp of every statement about
 * it. A delete at S removes what was written at S or before, whichever of the two arrives first, and nothing newer.
 */
export const ledgerRules = {
  /**
   * Writes both rows at the version, with every column. They are one mutation of one partition, so that a replica has both
   * or neither; and the same statements may be sent again at any time.
   */
  saving({ id, body }: SaveEntry, savedAt: Version): readonly Mutation[] {
    return [
      { kind: "put-task", id, savedAt, body },
      { kind: "put-entry", savedAt, id, size: body.length },
    ];
  },

  /**
   * Deletes both rows at the version's own timestamp, never at the present time: this removes that version and older
   * ones, whatever the hosts' clocks are, and keeps a version that was saved later.
   */
  completing(id: string, savedAt: Version): readonly Mutation[] {
    return [
      { kind: "delete-task", id, at: savedAt },
      { kind: "delete-entry", savedAt, id, at: savedAt },
    ];
  },

  /**
   * Deletes only the entry of a replaced version, never the task row: a quorum of a replica without the save and
   * one that has only the deletion would not find the task. This is done once the save is acknowledged, never in the save's
   * own batch: if that reached one replica only, and a sweep followed, the ledger would have no entry for the task.
   */
  removingReplaced(id: string, savedAt: Version): readonly Mutation[] {
    return [{ kind: "delete-entry", savedAt, id, at: savedAt }];
  },

  /**
   * A save counts only if its answer arrived within half the grace period after its version, by the clock after the answer.
   * If it is later, the process may have been stopped in between, and a sweep that read the ledger before this version was
   * written may have covered it.
   */
  isAcknowledged(savedAt: Version, now: Version, { gracePeriod }: LedgerLimits): boolean {
    return now - savedAt < gracePeriod / 2n;
  },

  /**
   * A scan ends at the time of its start plus twice the limit: a save that was acknowledged before the start, by a host whose
   * clock is ahead, must not be missed. Both clocks may deviate, in opposite directions.
   */
  scanBound: (startedAt: Version, { clock }: LedgerLimits): Version => startedAt + 2n * clock,

  /** Or at the last entry after that bound, if there is one: tasks with a version of a wrong clock must be read, too. */
  scanEnd: (bound: Version, last: Version | undefined): Version => last ?? bound,

  /**
   * - V = S: yield; the entry is that of the current version.
   * - No row: skip. The task is completed, or its save has not arrived yet. V < S: skip, for the same reason.
   * - V > S: S was replaced. Skip if the scan has the entry (V, id) in memory: it will reach it. Otherwise yield version V
   *   here, even if a query has found its entry. V may not be acknowledged: then a sweep that missed its entry may cover
   *   that before the scan reaches it, or the scan skips that place as swept. The scan remembers the versions that it yielded
   *   at another place than their own; otherwise it would yield them twice.
   */
  judge(place: LedgerPlace, row: Version | undefined, successor: Successor | undefined): Verdict {
    if (row === place.savedAt) return "yield";
    if (row === undefined || successor === undefined) return "skip";
    return successor.atHand ? "skip" : "yield-replacement";
  },

  /**
   * W, the limit up to which entries may be removed or swept: the earlier of the host's and the servers' clock, less the grace
   * period. Both are read before the first read that is judged by W: a process that was stopped after its reads does not know
   * what has been written since.
   */
  removalLimit({ host, server }: ScanStart, { gracePeriod }: LedgerLimits): Version {
    return (host < server ? host : server) - gracePeriod;
  },

  /**
   * If an entry has no task row, its version was completed, or was never acknowledged, or its save has not arrived yet. A
   * save older than W can't be acknowledged any more, so that its entry may be removed.
   */
  mayRemoveAbsent: (place: LedgerPlace, removalLimit: Version): boolean => place.savedAt < removalLimit,

  /**
   * The entry of a version that V replaced may be removed once the entry of V has been seen, if V is young by the clock
   * after that answer. A sweep in progress may have missed (V, id); if V is older than the sweep's limit, the sweep covers
   * it, and only the entry of S leads to the task. That entry then stays until the task is completed.
   *
   * V does not count as young if it is ahead by more than twice the limit, the most that two right clocks can differ: one of
   * the clocks is wrong. If it is the reader's, V may be of any age.
   */
  mayRemoveReplaced(replacement: Version, seen: boolean, now: Version, { clock, gracePeriod }: LedgerLimits): boolean {
    const age = now - replacement;
    return seen && age >= -2n * clock && age < gracePeriod / 2n;
  },
};

export type LedgerRules = typeof ledgerRules;

/** For a client that only reads: removing is left to others. */
export function withoutRemoving(rules: LedgerRules): LedgerRules {
  return { ...rules, mayRemoveAbsent: () => false, mayRemoveReplaced: () => false };
}
