import type { QueryOptions, types } from "cassandra-driver";
import { CLAIM_MEMORY, type ClaimHolding, type ClaimState, NEVER } from "../../../adapter/claim-store.js";
import type { TaskKey } from "../../../core/keys.js";
import type { ClaimEnd, ClaimRow, ClaimSession } from "../model/session.js";
import type { Caller } from "./caller.js";
import { encodeVersion, toVersion } from "./statements.js";

/** How long the rest of a claim is kept after its task was completed, in seconds. */
const COMPLETED_TTL = 24 * 3600;
const TTL = CLAIM_MEMORY / 1000;

/**
 * Expiry is in the column `ends_at`, judged by the rule that all clients share. Cassandra's own TTL only removes old
 * claims: it depends on the clocks of coordinators and replicas.
 */
function claimStatements(keyspace: string) {
  const update = (ttl: number, set: string) =>
    `UPDATE "${keyspace}".claims USING TTL ${ttl} SET ${set} WHERE task_list = ? AND id = ?`;
  const ifHeld = "IF fencing_token = ? AND owner != null";
  const select = `SELECT id, saved_at, owner, fencing_token, attempt, ends_at FROM "${keyspace}".claims WHERE task_list = ?`;
  return {
    read: `${select} AND id = ?`,
    readMany: `${select} AND id IN ?`,
    replace:
      `${update(TTL, "saved_at = ?, owner = ?, fencing_token = ?, attempt = ?, ends_at = ?")} ` +
      "IF fencing_token = ? AND ends_at = ?",
    // A late renewal must not shorten the lease.
    renew: `${update(TTL, "ends_at = ?")} ${ifHeld} AND ends_at < ?`,
    release: `${update(TTL, "owner = null, ends_at = ?")} ${ifHeld}`,
    forget: `${update(COMPLETED_TTL, "owner = null, fencing_token = ?, attempt = 0, ends_at = ?")} ${ifHeld}`,
  };
}

/** The session of claims on cassandra-driver. Nothing else writes to its table: a write outside a transaction could undo one. */
export class DriverClaimSession implements ClaimSession {
  readonly #caller: Caller;
  readonly #statements: ReturnType<typeof claimStatements>;
  readonly #transaction: QueryOptions;

  constructor(caller: Caller, serialConsistency: types.consistencies) {
    this.#caller = caller;
    this.#statements = claimStatements(caller.keyspace);
    // If the driver sent a transaction twice, the second would see the effect of the first, and report that it was not applied.
    this.#transaction = { serialConsistency, isIdempotent: false };
  }

  async readClaim({ taskList, id }: TaskKey, timeout: number): Promise<ClaimRow> {
    const [row] = (await this.#caller.read(this.#statements.read, [taskList, id], timeout)).rows;
    return row === undefined ? { token: null, until: null, state: undefined } : toClaimRow(row);
  }

  async readStates(
    taskList: string,
    ids: readonly string[],
    timeout: number,
  ): Promise<ReadonlyMap<string, ClaimState>> {
    const { rows } = await this.#caller.read(this.#statements.readMany, [taskList, ids], timeout);
    const states = new Map<string, ClaimState>();
    for (const row of rows) {
      const { state } = toClaimRow(row);
      if (state) states.set(row.id, state);
    }
    return states;
  }

  async replaceClaim(key: TaskKey, before: ClaimRow, after: ClaimState | undefined, timeout: number): Promise<boolean> {
    const values = after ? stateValues(after) : [null, null, null, null, null];
    const condition = [before.token && encodeVersion(before.token), before.until === null ? null : time(before.until)];
    const params = [...values, key.taskList, key.id, ...condition];
    return isApplied(await this.#change(this.#statements.replace, params, timeout));
  }

  async renewClaim(holding: ClaimHolding, until: number, timeout: number): Promise<number | undefined> {
    const { taskList, id, token } = holding;
    const params = [time(until), taskList, id, encodeVersion(token), time(until)];
    const row = await this.#change(this.#statements.renew, params, timeout);
    if (isApplied(row)) return until;
    const isHeld = row?.owner != null && row.fencing_token != null && toVersion(row.fencing_token) === token;
    return isHeld ? Number(row.ends_at) : undefined;
  }

  async endClaim({ taskList, id, token }: ClaimHolding, end: ClaimEnd, timeout: number): Promise<void> {
    const values = end.kind === "forget" ? [encodeVersion(token), time(NEVER)] : [time(end.until)];
    await this.#change(this.#statements[end.kind], [...values, taskList, id, encodeVersion(token)], timeout);
  }

  /** Resolves to what the server says of it. */
  async #change(query: string, params: unknown[], timeout: number): Promise<types.Row | undefined> {
    return (await this.#caller.write(query, params, timeout, this.#transaction)).rows[0];
  }
}

function isApplied(row: types.Row | undefined): boolean {
  return row?.["[applied]"] === true;
}

function time(milliseconds: number): Buffer {
  return encodeVersion(BigInt(milliseconds));
}

function stateValues({ savedAt, owner, token, attempt, until }: ClaimState): unknown[] {
  return [encodeVersion(savedAt), owner ?? null, encodeVersion(token), attempt, time(until)];
}

function toClaimRow(row: types.Row): ClaimRow {
  const token = row.fencing_token == null ? null : toVersion(row.fencing_token);
  const until = row.ends_at == null ? null : Number(row.ends_at);
  return { token, until, state: token === null ? undefined : toState(row, token, until ?? 0) };
}

/** Cells that have expired before others are null. */
function toState(row: types.Row, token: bigint, until: number): ClaimState {
  return {
    savedAt: row.saved_at == null ? 0n : toVersion(row.saved_at),
    owner: (row.owner as string | null) ?? undefined,
    token,
    attempt: (row.attempt as number | null) ?? 0,
    until,
  };
}
