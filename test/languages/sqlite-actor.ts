import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import type { TaskError } from "../../src/core/errors.js";
import { typeNameOf } from "../../src/core/type-url.js";
import { type Version, VersionClock } from "../../src/core/version.js";
import { decodeBody, decodeEnvelope } from "../../src/envelope/decode.js";
import { encodeBody, encodeEnvelope } from "../../src/envelope/encode.js";
import { DEFAULT_MAX_TASK_BYTES, savedAtOf } from "../../src/envelope/envelope.js";
import { CLOCK_LIMIT, type Failable, type HeldTask, type Situation } from "./actor.js";
import { ClaimCalls } from "./claim-calls.js";
import type { ClaimingActor, PlainClaim } from "./claiming.js";

/** This package's adapter of an SQLite file, with a clock that stands where it is put. */
export class SqliteActor implements ClaimingActor {
  readonly name = "TypeScript";
  readonly #path: string;
  #adapter: SqliteAdapter | undefined;
  #now = 0n;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<void> {
    await this.#adapter?.close();
    const clock = new VersionClock(() => this.#now, CLOCK_LIMIT);
    this.#adapter = new SqliteAdapter({ path: this.#path, clock });
    await this.#adapter.open();
  }

  async save({ envelope, replaced }: HeldTask, situation: Situation): Promise<HeldTask & Failable> {
    const decoded = decode(envelope);
    const { taskList, id, data } = decoded;
    const version = savedAtOf(decoded);
    const replaces = version === undefined ? [] : [version, ...replaced.map(BigInt)];
    const body = encodeBody(decoded, DEFAULT_MAX_TASK_BYTES);
    const [outcome] = await this.#enter(situation).save([
      { taskList, id, type: typeNameOf(data.typeUrl), replaces, body },
    ]);
    if (outcome?.ok) return { envelope: envelopeOf(body, outcome.value), replaced: [], error: null };
    return { envelope, replaced, error: errorOf(outcome?.error) };
  }

  async complete(envelope: string, situation: Situation): Promise<Failable> {
    const decoded = decode(envelope);
    const savedAt = savedAtOf(decoded);
    if (savedAt === undefined) return { error: { code: "NOT_SAVED", outcome: "not-applied" } };
    const { taskList, id } = decoded;
    const [outcome] = await this.#enter(situation).complete([{ taskList, id, savedAt }]);
    return { error: outcome?.ok ? null : errorOf(outcome?.error) };
  }

  async find(id: string, situation: Situation): Promise<string | null> {
    const [stored] = await this.#enter(situation).find([{ taskList: situation.taskList, id }]);
    return stored ? envelopeOf(stored.body, stored.savedAt) : null;
  }

  async list(situation: Situation): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const page of this.#enter(situation).all(situation.taskList, { pageSize: 500, maxPageBytes: 4_000_000 }))
      found.push(...page.map(({ body, savedAt }) => envelopeOf(body, savedAt)));
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

  async close(): Promise<void> {
    await this.#adapter?.close();
  }

  #claims(situation: Situation): ClaimCalls {
    return new ClaimCalls(this.#enter(situation).claims);
  }

  #enter({ now }: Situation): SqliteAdapter {
    this.#now = now;
    if (this.#adapter === undefined) throw new Error("open comes first");
    return this.#adapter;
  }
}

function decode(envelope: string) {
  return decodeEnvelope(Buffer.from(envelope, "base64"), DEFAULT_MAX_TASK_BYTES);
}

function envelopeOf(body: Uint8Array, savedAt: Version): string {
  return Buffer.from(encodeEnvelope(decodeBody(body, savedAt), DEFAULT_MAX_TASK_BYTES)).toString("base64");
}

function errorOf(error: TaskError | undefined) {
  return { code: error?.code ?? "", outcome: error?.outcome ?? "" };
}
