import type { ClaimChange, ClaimRow, ClaimSession } from "../../src/adapters/cassandra/claim-session.js";
import { SessionError } from "../../src/adapters/cassandra/session.js";
import { type ClaimHolding, type ClaimState, NEVER } from "../../src/claim-store.js";
import type { TaskKey } from "../../src/keys.js";

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

  replaceClaim(key: TaskKey, before: ClaimRow, after: ClaimState | undefined): Promise<boolean> {
    return this.#attempt("replace", () => {
      const { token, until } = this.row(key);
      if (token !== before.token || until !== before.until) return false;
      this.put(key, after ? { token: after.token, until: after.until, state: after } : NOTHING);
      return true;
    });
  }

  changeClaim(holding: ClaimHolding, change: ClaimChange): Promise<boolean> {
    return this.#attempt(change.kind, () => {
      const { token, state } = this.row(holding);
      if (token !== holding.token || state?.owner === undefined) return false;
      const until = change.kind === "forget" ? NEVER : change.until;
      const attempt = change.kind === "forget" ? 0 : state.attempt;
      const owner = change.kind === "renew" ? state.owner : undefined;
      const changed = { ...state, until, attempt, owner };
      this.put(holding, { token, until, state: changed });
      return true;
    });
  }

  async #attempt(call: string, change: () => boolean): Promise<boolean> {
    this.calls.push(call);
    await this.beforeChange?.();
    const failure = this.failures.shift();
    if (failure === "not applied") throw new SessionError("unavailable", false, "too few replicas");
    const applied = failure === "not applied, and unknown" || change();
    if (failure) throw new SessionError("timeout", true, "no answer");
    return applied;
  }
}
