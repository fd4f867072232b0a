import type { Adapter, OperationOptions, TaskKey } from "taskledger";
import type { AllOptions, CompleteEntry, SaveEntry, WriteOptions } from "taskledger/adapter";
import { CassandraAdapter } from "taskledger/cassandra";
import { type LedgerOptions, resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { type CassandraConnectionOptions, type Connection, connect } from "../../src/adapters/cassandra/connect.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import { type LedgerRules, ledgerRules } from "../../src/adapters/cassandra/ledger/rules.js";
import type { LedgerSession } from "../../src/adapters/cassandra/model/session.js";
import { processRuntime } from "../../src/adapters/cassandra/runtime.js";

/** An adapter with a bug. */
export interface Breakage {
  readonly what: string;
  readonly rules?: Partial<LedgerRules>;
  readonly session?: (session: LedgerSession) => LedgerSession;
}

/** Bugs that the run has to detect. */
export const breakages: Readonly<Record<string, Breakage>> = {
  "ack-early": {
    what: "acknowledges a write when it has been sent, before a quorum has answered",
    session: (session) =>
      override(session, {
        async apply(...args) {
          session.apply(...args).catch(() => undefined);
        },
      }),
  },
  "complete-at-now": {
    what: "deletes at the present time, not at the timestamp of the version that its caller saw",
    rules: {
      completing: (id, savedAt) =>
        ledgerRules.completing(id, savedAt).map((mutation) => ({ ...mutation, at: processRuntime.clock.now() })),
    },
  },
  "sweep-at-once": {
    what: "removes and sweeps up to the present time",
    rules: { removalLimit: ({ host, server }) => (host < server ? host : server) },
  },
};

export type ChaosAdapter = Adapter & Pick<CassandraAdapter, "sweep">;

/** The real adapter, or a broken one. */
export function buildAdapter(
  connection: CassandraConnectionOptions,
  options: LedgerOptions,
  broken: string | undefined,
): ChaosAdapter {
  if (broken === undefined) return new CassandraAdapter({ ...connection, ...options });
  const breakage = breakages[broken];
  if (breakage === undefined) throw new Error(`no build is broken in this way: ${broken}`);
  return new BrokenAdapter(breakage, connection, options);
}

function override(session: LedgerSession, members: Partial<LedgerSession>): LedgerSession {
  return new Proxy(session, {
    get(target, name) {
      const member = Reflect.get(members, name) ?? Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** The parts of CassandraAdapter, with one of them replaced. */
class BrokenAdapter implements ChaosAdapter {
  readonly #breakage: Breakage;
  readonly #connection: CassandraConnectionOptions;
  readonly #options: LedgerOptions;
  #opening: Promise<{ ledger: Ledger; connection: Connection }> | undefined;

  constructor(breakage: Breakage, connection: CassandraConnectionOptions, options: LedgerOptions) {
    this.#breakage = breakage;
    this.#connection = connection;
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#ledger();
  }

  async save(entries: readonly SaveEntry[], options: WriteOptions = {}) {
    return (await this.#ledger()).save(entries, options);
  }

  async find(keys: readonly TaskKey[], { signal }: OperationOptions = {}) {
    return (await this.#ledger()).find(keys, signal);
  }

  async *all(taskList: string, options: AllOptions) {
    yield* (await this.#ledger()).all(taskList, options);
  }

  async complete(entries: readonly CompleteEntry[], options: WriteOptions = {}) {
    return (await this.#ledger()).complete(entries, options);
  }

  async sweep(taskList: string, { signal }: OperationOptions = {}) {
    return (await this.#ledger()).sweep(taskList, signal);
  }

  async close(): Promise<void> {
    const { ledger, connection } = (await this.#opening) ?? {};
    await ledger?.close();
    await connection?.close();
  }

  async #ledger(): Promise<Ledger> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return (await this.#opening).ledger;
  }

  async #open() {
    const options = resolveLedgerOptions(this.#options);
    const connection = await connect(this.#connection, options);
    const session = this.#breakage.session?.(connection.session) ?? connection.session;
    const rules = { ...ledgerRules, ...this.#breakage.rules };
    const ledger = new Ledger({ session, settings: connection.settings, options, runtime: processRuntime, rules });
    await ledger.open();
    return { ledger, connection };
  }
}
