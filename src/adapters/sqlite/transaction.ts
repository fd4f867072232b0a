import { type ClaimState, grantClaim, releaseClaim, renewClaim } from "../../adapter/claim-store.js";
import { TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { latestOf, MAX_VERSION, toMilliseconds, type Version } from "../../core/version.js";
import type { Connection } from "./connection.js";
import type { Row } from "./driver.js";
import { toPlain } from "./errors.js";
import type { Failure, Group, Operation, Result, Times, Value } from "./operations.js";

const latestOfFile = "SELECT latest, ahead_until FROM ledger";
const setLatest = "UPDATE ledger SET latest = ?, ahead_until = ?";
const save = `INSERT INTO tasks (list, saved_at, id, type, saved_time, body) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (list, id) DO UPDATE SET
  saved_at = excluded.saved_at, type = excluded.type, saved_time = excluded.saved_time, body = excluded.body`;
const complete = "DELETE FROM tasks WHERE list = ? AND id = ? AND saved_at <= ?";
const versionOf = "SELECT saved_at FROM tasks WHERE list = ? AND id = ?";
const claimOf = "SELECT saved_at, owner, token, attempt, ends_at FROM claims WHERE list = ? AND id = ?";
const putClaim = `REPLACE INTO claims (list, id, saved_at, owner, token, attempt, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** An open transaction: applies operations, and gives each save its version. */
export class Transaction {
  readonly #connection: Connection;
  readonly #times: Times;
  #latest: Version;
  #aheadUntil: Version;

  /** The connection must have begun a transaction. */
  constructor(connection: Connection, times: Times) {
    const row = connection.get(latestOfFile);
    this.#connection = connection;
    this.#times = times;
    this.#latest = row?.latest as Version;
    this.#aheadUntil = row?.ahead_until as Version;
  }

  /** Applies operations in order. Throws what SQLite throws; the caller must roll back then. */
  run(operations: Group["operations"]): Result[] {
    const before = this.#latest;
    let refusal: Failure | undefined;
    const results = operations.map((operation, i) => {
      if (operation.kind !== "save") return this.#change(operation);
      if (!operation.isJoined) refusal = this.#refusalOf(operations, i);
      return refusal ?? this.#save(operation);
    });
    if (this.#latest !== before) this.#connection.run(setLatest, this.#latest, this.#aheadUntil);
    return results;
  }

  /** Why a save can't be made, or one of those that are joined to it. */
  #refusalOf(operations: Group["operations"], first: number): Failure | undefined {
    for (let i = first; i === first || operations[i]?.isJoined; i++) {
      const { version } = operations[i] as Operation;
      if (!this.#canReplace(version)) return { error: toPlain(aheadOfClock(version)) };
    }
    return undefined;
  }

  #save({ taskList, id, version, name, body }: Operation): Version {
    const savedAt = this.#nextNumber(version);
    const { now, horizon } = this.#times;
    const isAhead = savedAt > horizon;
    if (isAhead) this.#aheadUntil = savedAt;
    this.#connection.run(save, taskList, savedAt, id, name, isAhead ? now : null, body);
    return savedAt;
  }

  #change(operation: Operation): Value {
    const { kind, taskList, id, version } = operation;
    if (kind === "complete") {
      this.#connection.run(complete, taskList, id, version);
      return undefined;
    }
    const state = readClaim(this.#connection, operation);
    if (kind === "claim") return this.#claim(operation, state);
    if (state?.owner === undefined || state.token !== version) return undefined;
    const now = toMilliseconds(this.#times.now);
    if (kind === "renew") return this.#putClaim(operation, renewClaim(state, operation.time, now)).until;
    this.#putClaim(operation, releaseClaim(state, operation.time, now));
    return undefined;
  }

  #claim(operation: Operation, previous: ClaimState | undefined): ClaimState | undefined {
    const { taskList, id, version: savedAt, name: owner, time: lease } = operation;
    if (this.#connection.get(versionOf, taskList, id)?.saved_at !== savedAt) return undefined;
    // One clock judges all claims of a file.
    const clock = { now: toMilliseconds(this.#times.now), tolerance: 0 };
    const state = grantClaim(previous, { taskList, id, savedAt, owner, lease }, clock, (after) =>
      this.#nextNumber(after),
    );
    return state && this.#putClaim(operation, state);
  }

  /** False for a version that lies far ahead and that this file has not given: all later versions would have to be higher. */
  #canReplace(replaced: Version): boolean {
    return (replaced <= this.#latest || replaced <= this.#times.horizon) && this.#latest < MAX_VERSION - 1_000n;
  }

  /**
   * Later than the clock, than the version that a save replaces, and than every version that this file ever gave, also to
   * tasks that have been removed: a complete of one of them may still be on its way.
   */
  #nextNumber(after: Version): Version {
    this.#latest = latestOf([this.#times.next, after + 1n, this.#latest + 1n]);
    return this.#latest;
  }

  #putClaim({ taskList, id }: TaskKey, state: ClaimState): ClaimState {
    const { savedAt, owner = null, token, attempt, until } = state;
    this.#connection.run(putClaim, taskList, id, savedAt, owner, token, BigInt(attempt), BigInt(until));
    return state;
  }
}

/** The stored state of the claims to a task; undefined if there is none. */
export function readClaim(connection: Connection, { taskList, id }: TaskKey): ClaimState | undefined {
  const row = connection.get(claimOf, taskList, id);
  return row && toClaimState(row);
}

/** The state in a row of claims. */
export function toClaimState(row: Row): ClaimState {
  return {
    savedAt: row.saved_at as Version,
    owner: (row.owner as string | null) ?? undefined,
    token: row.token as bigint,
    attempt: Number(row.attempt),
    until: Number(row.ends_at),
  };
}

function aheadOfClock(replaced: Version): TaskError {
  const message = `the save replaces version ${replaced}, which this store did not give and which lies ahead of this host's clock`;
  return new TaskError("CLOCK_SKEW", message, { field: "savedAt" });
}
