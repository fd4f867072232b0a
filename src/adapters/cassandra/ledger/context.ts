import type { ResolvedOptions } from "../arguments.js";
import { GroupCommit } from "../batching/group-commit.js";
import { ClockGuard } from "../clock-guard.js";
import { InFlight } from "../in-flight.js";
import type { LedgerSession } from "../model/session.js";
import type { LedgerSettings } from "../model/settings.js";
import { retryCall } from "../retry.js";
import type { Runtime } from "../runtime.js";
import { type LedgerRules, ledgerRules, type ScanStart, withoutRemoving } from "./rules.js";

/** What a ledger is made of. */
export interface LedgerParts {
  readonly session: LedgerSession;
  readonly settings: LedgerSettings;
  readonly options: ResolvedOptions;
  readonly runtime: Runtime;
  readonly rules?: LedgerRules;
  /** Maximum number of entries that are read at once from a partition. */
  readonly entriesPerRead?: number;
}

export type LedgerContext = ReturnType<typeof ledgerContext>;

/** Shared by the parts of a ledger. */
export function ledgerContext({ session, settings, options, runtime, ...given }: LedgerParts) {
  const { shards, gracePeriod } = settings;
  const { policy, batch, clock, readOnly } = options;
  const { rules = ledgerRules, entriesPerRead = defaultEntriesPerRead(shards) } = given;
  const inFlight = new InFlight();
  const read = <T>(signal: AbortSignal | undefined, attempt: (timeout: number) => Promise<T>) =>
    retryCall(runtime, policy, signal, attempt);
  const guard = new ClockGuard(runtime, clock, () => read(undefined, (timeout) => session.readClock(timeout)));
  return {
    session,
    runtime,
    policy,
    inFlight,
    shards,
    entriesPerRead,
    guard,
    read,
    rules: readOnly ? withoutRemoving(rules) : rules,
    limits: { clock: clock.limit, gracePeriod: BigInt(gracePeriod) * 1000n },
    commit: new GroupCommit(session, runtime, { ...policy, ...batch }, inFlight),
    /** Aborted when the ledger is closed; its reason is the error that scans then end with. */
    closing: new AbortController(),
    /** The clocks; must be read before the first read that is judged by them. */
    startScan: (): ScanStart => ({ host: runtime.clock.now(), server: guard.serverNow() }),
  };
}

/** As many of each partition, and as many ahead, unless there are too many partitions: entries are small. */
function defaultEntriesPerRead(shards: number): number {
  return Math.max(8, Math.min(500, Math.floor(32_000 / shards)));
}
