import type { Version } from "../../src/adapter/adapter.js";
import { resolveLedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import { type Connection, connect } from "../../src/adapters/cassandra/connect.js";
import { CassandraClaims } from "../../src/adapters/cassandra/ledger/claims.js";
import { Ledger } from "../../src/adapters/cassandra/ledger/ledger.js";
import { type LedgerSession, SessionError } from "../../src/adapters/cassandra/model/session.js";
import { processRuntime, type Runtime } from "../../src/adapters/cassandra/runtime.js";
import type { TaskError } from "../../src/core/errors.js";
import { typeNameOf } from "../../src/core/type-url.js";
import { VersionClock } from "../../src/core/version.js";
import { decodeBody, decodeEnvelope } from "../../src/envelope/decode.js";
import { encodeBody, encodeEnvelope } from "../../src/envelope/encode.js";
import { DEFAULT_MAX_TASK_BYTES, savedAtOf } from "../../src/envelope/envelope.js";
import { driverOptions } from "../cassandra-adapter/connection.js";
import { CLOCK_LIMIT, type Failable, type HeldTask, type Situation } from "./actor.js";
import { ClaimCalls } from "./claim-calls.js";
import type { ClaimingActor, PlainClaim } from "./claiming.js";

const options = {
  deadline: 30_000,
  attemptTimeout: 10_000,
  clockLimit: Number(CLOCK_LIMIT / 1000n),
  sweepEvery: 0,
};
const resolved = resolveLedgerOptions(options);

/** The client that the others are measured by: this package's ledger, with a clock that stands where it is put. */
export class TypeScriptActor implements ClaimingActor {
  readonly name = "TypeScript";
  readonly #keyspace: string;
  #connection: Connection | undefined;
  #ledger: Ledger | undefined;
  #runtime: Runtime = processRuntime;
  #now = 0n;
  #serverNow = 0n;
  #fault: Situation["fault"];

  constructor(keyspace: string) {
    this.#keyspace = keyspace;
  }

  async open(): Promise<void> {
    await this.#ledger?.close();
    this.#connection ??= await connect({ ...driverOptions, keyspace: this.#keyspace }, resolved);
    this.#runtime = { ...processRuntime, clock: new VersionClock(() => this.#now, CLOCK_LIMIT) };
    this.#ledger = this.#makeLedger(this.#connection);
  }

  async save({ envelope, replaced }: HeldTask, situation: Situation): Promise<HeldTask & Failable> {
    const ledger = this.#enter(situation);
    const decoded = decode(envelope);
    const version = savedAtOf(decoded);
    const replaces = version === undefined ? [] : [version, ...replaced.map(BigInt)];
    const { taskList, id, data } = decoded;
    const body = encodeBody(decoded, DEFAULT_MAX_TASK_BYTES);
    const [outcome] = await ledger.save([{ taskList, id, type: typeNameOf(data.typeUrl), replaces, body }], {});
    await this.#settle();
    if (outcome?.ok) return { envelope: envelopeOf(body, outcome.value), replaced: [], error: null };
    const error = errorOf(outcome?.error);
    if (outcome?.attempted === undefined) return { envelope, replaced, error };
    return { envelope: envelopeOf(body, outcome.attempted), replaced: replaces.map(String), error };
  }

  async complete(envelope: string, situation: Situation): Promise<Failable> {
    const { taskList, id, savedAt } = decode(envelope);
    if (savedAt === undefined) return { error: { code: "NOT_SAVED", outcome: "not-applied" } };
    const version = savedAt.seconds * 1_000_000n + BigInt(savedAt.nanos / 1000);
    const [outcome] = await this.#enter(situation).complete([{ taskList, id, savedAt: version }], {});
    return { error: outcome?.ok ? null : errorOf(outcome?.error) };
  }

  async find(id: string, situation: Situation): Promise<string | null> {
    const [stored] = await this.#enter(situation).find([{ taskList: situation.taskList, id }], undefined);
    return stored ? envelopeOf(stored.body, stored.savedAt) : null;
  }

  async list(situation: Situation): Promise<readonly string[]> {
    const pages = this.#enter(situation).all(situation.taskList, { pageSize: 500, maxPageBytes: 4_000_000 });
    const found: string[] = [];
    for await (const page of pages) found.push(...page.map(({ body, savedAt }) => envelopeOf(body, savedAt)));
    await this.#settle();
    return found;
  }

  claim(envelope: string, owner: string, lease: number, situation: Situation): Promise<PlainClaim | null> {
    return this.#claims(situation).claim(envelope, owner, lease);
  }

  renew(claim: PlainClaim, lease: number, situation: Situation): Promise<Failable & { claim: PlainClaim | null }> {
    return this.#claims(situation).renew(claim, lease);
  }

  release(claim: PlainClaim, retryIn: number, situation: Situation): Promise<void> {
    return this.#claims(situation).release(claim, retryIn);
  }

  forget(claim: PlainClaim, situation: Situation): Promise<void> {
    return this.#claims(situation).forget(claim);
  }

  #claims(situation: Situation): ClaimCalls {
    const { session } = this.#connection as Connection;
    const ledger = this.#enter(situation);
    const store = new CassandraClaims(session, this.#runtime, ledger.clock, {
      policy: resolved.policy,
      tolerance: 2 * options.clockLimit,
      versionOf: async (key) => (await ledger.find([key], undefined))[0]?.savedAt,
    });
    return new ClaimCalls({
      claim: (request) => store.claim(request, undefined),
      renew: (holding, lease) => store.renew(holding, lease, undefined),
      release: (holding, retryIn) => store.release(holding, retryIn, undefined),
      forget: (holding) => store.forget(holding, undefined),
    });
  }

  async close(): Promise<void> {
    await this.#ledger?.close();
    await this.#connection?.close();
  }

  #enter({ now, serverNow, fault }: Situation): Ledger {
    this.#now = now;
    this.#serverNow = serverNow;
    this.#fault = fault;
    if (this.#ledger === undefined) throw new Error("open comes first");
    return this.#ledger;
  }

  /** Waits for what goes on in the background: closing does. The next ledger has the same clock. */
  async #settle(): Promise<void> {
    await this.#ledger?.close();
    this.#ledger = this.#makeLedger(this.#connection as Connection);
  }

  #makeLedger({ session, settings }: Connection): Ledger {
    return new Ledger({ session: this.#faulty(session), settings, options: resolved, runtime: this.#runtime });
  }

  #faulty(session: LedgerSession): LedgerSession {
    const readClock: LedgerSession["readClock"] = async () => this.#serverNow;
    const apply: LedgerSession["apply"] = async (...args) => {
      const lost = this.#fault;
      if (lost !== "request") await session.apply(...args);
      // Of a kind that is not tried again.
      if (lost) throw new SessionError("refused", true, `the ${lost} was lost`);
    };
    const others = ["readTasks", "readEntries", "readLastEntry", "hasEntry", "readSweep"] as const;
    const bound = Object.fromEntries(others.map((name) => [name, session[name].bind(session)]));
    return { ...(bound as unknown as LedgerSession), readClock, apply };
  }
}

function decode(envelope: string) {
  return decodeEnvelope(Buffer.from(envelope, "base64"), DEFAULT_MAX_TASK_BYTES);
}

function envelopeOf(body: Uint8Array, savedAt: Version): string {
  const bytes = encodeEnvelope(decodeBody(body, savedAt), DEFAULT_MAX_TASK_BYTES);
  return Buffer.from(bytes).toString("base64");
}

function errorOf(error: TaskError | undefined) {
  return { code: error?.code ?? "", outcome: error?.outcome ?? "" };
}
