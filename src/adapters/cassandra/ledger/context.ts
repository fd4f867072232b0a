import type { GroupCommit } from "../batching/group-commit.js";
import type { ClockGuard } from "../clock-guard.js";
import type { InFlight } from "../in-flight.js";
import type { LedgerSession } from "../model/session.js";
import type { RetryPolicy } from "../retry.js";
import type { Runtime } from "../runtime.js";
import type { LedgerLimits, LedgerRules } from "./rules.js";

/** Shared by the parts of a ledger. */
export interface LedgerContext {
  readonly session: LedgerSession;
  readonly runtime: Runtime;
  readonly guard: ClockGuard;
  readonly commit: GroupCommit;
  /** Tracks background work. */
  readonly inFlight: InFlight;
  readonly policy: RetryPolicy;
  readonly shards: number;
  readonly limits: LedgerLimits;
  readonly rules: LedgerRules;
  /** Maximum number of entries that are read at once. */
  readonly entriesPerRead: number;
  /** Aborted when the ledger is closed; its reason is the error that scans then end with. */
  readonly closing: AbortSignal;
}
