import { type ClaimState, grantClaim, releaseClaim, renewClaim } from "../../adapter/claim-store.js";
import { TaskError } from "../../core/errors.js";
import type { TaskKey } from "../../core/keys.js";
import { latestOf, MAX_VERSION, toMilliseconds, type Version } from "../../core/version.js";
import type { Connection } from "./connection.js";
import type { Row } from "./driver.js";
import { toPlain } from "./errors.js";
import type { Group, Operation, Result, Save, Value } from "./operations.js";

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
  readonly #group: Group;
  #latest: Version;
  #aheadUntil: Version;

  /** The connection must have begun a transaction. */
  constructor(connection: Connection, group: Group) {
    const row = connection.get(latestOfFile);
    this.#connection = connection;
    this.#group = group;
    this.#latest = row?.latest as Version;
    this.#aheadUntil = row?.ahead_until as Version;
  }

  /** Applies the operations in order. Throws what SQLite throws; the caller must roll back then. */
  run(): Result[] {
    const before = this.#latest;
    const results = this.#group.operations.map((operation) => this.#apply(operation));
    if (this.#latest !== before) this.#connection.run(setLatest, this.#latest, this.#aheadUntil);
    return results;
  }

  #apply(operation: Operation): Result {
    if (operation.kind === "save") return this.#save([operation], ([savedAt]) => savedAt);
    if (operation.kind === "save-together") return this.#save(operation.saves, (versions) => versions);
    return { ok: true, value: this.#change(operation) };
  }

  /** Saves all of them or none. */
  #save(saves: readonly Save[], toValue: (versions: readonly Version[]) => Value): Result {
    const refused = saves.find(({ replaced }) => !this.#canReplace(replaced));
    if (refused) return { ok: false, error: toPlain(aheadOfClock(refused.replaced)) };
    return { ok: true, value: toValue(saves.map((each) => this.#put(each))) };
  }

  #put({ taskList, id, type, body, replaced }: Save): Version {
    const savedAt = this.#nextNumber(replaced);
    const { now, horizon } = this.#group;
    const isAhead = savedAt > horizon;
    if (isAhead) this.#aheadUntil = savedAt;
    this.#connection.run(save, taskList, savedAt, id, type, isAhead ? now : null, body);
    return savedAt;
  }

  #change(operation: Exclude<Operation, { kind: "save" | "save-together" }>): Value {
    const { taskList, id } = operation;
    const now = toMilliseconds(this.#group.now);
    switch (operation.kind) {
      case "complete":
        this.#connection.run(complete, taskList, id, operation.savedAt);
        return undefined;
      case "claim": {
        if (this.#connection.get(versionOf, taskList, id)?.saved_at !== operation.savedAt) return undefined;
        // One clock judges all claims of a file.
        const clock = { now, tolerance: 0 };
        const previous = readClaim(this.#connection, operation);
        return this.#putClaim(
          operation,
          grantClaim(previous, operation, clock, (after) => this.#nextNumber(after)),
        );
      }
      case "renew": {
        const state = this.#held(operation, operation.token);
        return this.#putClaim(operation, state && renewClaim(state, operation.lease, now))?.until;
      }
      case "release": {
        const state = this.#held(operation, operation.token);
        this.#putClaim(operation, state && releaseClaim(state, operation.retryIn, now));
        return undefined;
      }
    }
  }

  /** False for a version that lies far ahead and that this file has not given: all later versions would have to be higher. */
  #canReplace(replaced: Version): boolean {
    return (replaced <= this.#latest || replaced <= this.#group.horizon) && this.#latest < MAX_VERSION - 1_000n;
  }

  /**
   * Later than the clock, than the version that a save replaces, and than every version that this file ever gave, also to
   * tasks that have been removed: a complete of one of them may still be on its way.
   */
  #nextNumber(after: Version): Version {
    this.#latest = latestOf([this.#group.next, after + 1n, this.#latest + 1n]);
    return this.#latest;
  }

  #held(key: TaskKey, token: bigint): ClaimState | undefined {
    const state = readClaim(this.#connection, key);
    return state?.owner !== undefined && state.token === token ? state : undefined;
  }

  #putClaim({ taskList, id }: TaskKey, state: ClaimState | undefined): ClaimState | undefined {
    if (state === undefined) return undefined;
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
