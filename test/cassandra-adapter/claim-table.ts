import { type ClaimHolding, type ClaimState, NEVER } from "../../src/adapter/claim-store.js";
import {
  type ClaimEnd,
  type ClaimRow,
  type ClaimSession,
  SessionError,
} from "../../src/adapters/cassandra/model/session.js";
import type { TaskKey } from "../../src/core/keys.js";

const NOTHING: ClaimRow = { token: null, until: null, state: undefined };

/** How an attempt fails: before it has an effect, or after. */
export type Failure = "not applied" | "applied, and unknown" | "not applied, and unknown";

/** The table of claims in this process, with failures as they are asked for. */
export class ClaimTable implements ClaimSession {
  readonly #rows = new Map<string, ClaimRow>();
  /** Of the next attempts to change something. */
  readonly failures: (Failure | undefined)[] = [];
  /** Called before a change. */
  beforeChange: (() => Promise<void> | void) | undefined;
  readonly calls: string[] = [];

  row({ taskList, id }: TaskKey): ClaimRow {
    return this.#rows.get(`${taskList} ${id}`) ?? NOTHING;
  }

  put({ taskList, id }: TaskKey, row: ClaimRow): void {
    this.#rows.set(`${taskList} ${id}`, row);
  }

  async readClaim(key: TaskKey): Promise<ClaimRow> {
    this.calls.push("read");
    return this.row(key);
  }

  async readStates(taskList: string, ids: readonly string[]): Promise<ReadonlyMap<string, ClaimState>> {
    this.calls.push("read states");
    const states = ids.map((id) => [id, this.row({ taskList, id }).state] as const);
    return new Map(states.filter((each): each is [string, ClaimState] => each[1] !== undefined));
  }

  replaceClaim(key: TaskKey, before: ClaimRow, after: ClaimState | undefined): Promise<boolean> {
    return this.#attempt("replace", () => {
      const { token, until } = this.row(key);
      if (token !== before.token || until !== before.until) return false;
      this.put(key, after ? { token: after.token, until: after.until, state: after } : NOTHING);
      return true;
    });
  }

  renewClaim(holding: ClaimHolding, until: number): Promise<number | undefined> {
    return this.#attempt("renew", () => {
      const { token, state } = this.row(holding);
      if (token !== holding.token || state?.owner === undefined) return undefined;
      const end = Math.max(until, state.until);
      this.put(holding, { token, until: end, state: { ...state, until: end } });
      return end;
    });
  }

  endClaim(holding: ClaimHolding, end: ClaimEnd): Promise<void> {
    return this.#attempt(end.kind, () => {
      const { token, state } = this.row(holding);
      if (token !== holding.token || state?.owner === undefined) return;
      const until = end.kind === "forget" ? NEVER : end.until;
      const attempt = end.kind === "forget" ? 0 : state.attempt;
      this.put(holding, { token, until, state: { ...state, until, attempt, owner: undefined } });
    });
  }

  async #attempt<T>(call: string, change: () => T): Promise<T> {
    this.calls.push(call);
    await this.beforeChange?.();
    const failure = this.failures.shift();
    if (failure === "not applied") throw new SessionError("unavailable", false, "too few replicas");
    if (failure === "not applied, and unknown") throw new SessionError("timeout", true, "no answer");
    const result = change();
    if (failure) throw new SessionError("timeout", true, "no answer");
    return result;
  }
}
