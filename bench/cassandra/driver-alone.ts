import driver, { type Client, type QueryOptions } from "cassandra-driver";
import { MOST_PREPARED } from "../../src/adapters/cassandra/batch-shape.js";
import { MutationEncoder } from "../../src/adapters/cassandra/parameters.js";
import { PartitionTokens } from "../../src/adapters/cassandra/routing.js";
import { ledgerRules } from "../../src/adapters/cassandra/rules.js";
import type { Mutation } from "../../src/adapters/cassandra/session.js";
import type { Partition } from "../../src/adapters/cassandra/shard.js";
import { type PreparedBatch, PreparedBatches, statementsFor } from "../../src/adapters/cassandra/statements.js";
import { decodeEnvelope } from "../../src/envelope/decode.js";
import { encodeBody } from "../../src/envelope/encode.js";
import { savedAtOf } from "../../src/envelope/envelope.js";
import { secondsOf } from "../harness.js";
import { FetchFileTask, storedBytes } from "../tasks.js";
import type { Sides } from "./clients.js";

interface Batch {
  readonly text: string;
  readonly parameters: unknown[];
  readonly options: QueryOptions;
}

/**
 * Tasks a second that the driver by itself saves and completes in the batches that would be the best for so many at once:
 * one is under way in each partition, with all that could wait for it and is prepared, and everything is encoded before
 * the clock runs. More than that, a ledger that writes the same rows cannot hope for.
 */
export async function driverAlone(
  sides: Sides,
  list: string,
  { count, concurrency }: { readonly count: number; readonly concurrency: number },
): Promise<number> {
  const lanes = Math.min(sides.shards, concurrency);
  const together = Math.floor(concurrency / lanes);
  const encoder = new BatchEncoder(sides);
  const envelopes = await storedBytes(list, count);
  const batches = Array.from({ length: lanes }, (_, shard) => {
    const own = envelopes.filter((_, index) => index % lanes === shard);
    return operationsOf(own, together).map((mutations) => encoder.encode({ taskList: list, shard }, mutations));
  });
  const seconds = await secondsOf(() => Promise.all(batches.map((lane) => sendInTurn(sides.client, lane))));
  return count / seconds;
}

async function sendInTurn(client: Client, batches: readonly Batch[]): Promise<void> {
  for (const { text, parameters, options } of batches) await client.execute(text, parameters, options);
}

/** The mutations of each batch: saves, along with completes of what was saved before; apart where no two are at once. */
function operationsOf(envelopes: readonly Buffer[], together: number): Mutation[][] {
  const most = Math.max(1, Math.min(MOST_PREPARED.together, together >> 1));
  const batches: Mutation[][] = [];
  let completes: Mutation[] = [];
  for (let from = 0, size = most; from < envelopes.length; from += size) {
    while (from + size > envelopes.length) size /= 2; // such batches are prepared
    const some = envelopes.slice(from, from + size);
    const saves = some.flatMap(saving);
    const before = completes;
    completes = some.flatMap(completing);
    if (together > 1) batches.push([...saves, ...before]);
    else batches.push(saves, completes);
  }
  if (together > 1) batches.push(completes);
  return batches;
}

function saving(envelope: Buffer): readonly Mutation[] {
  const decoded = decodeEnvelope(envelope, Infinity);
  const { taskList, id } = decoded;
  const { type } = FetchFileTask;
  const entry = { taskList, id, type, replaces: [], body: encodeBody(decoded, Infinity) };
  return ledgerRules.saving(entry, savedAtOf(decoded) as bigint);
}

function completing(envelope: Buffer): readonly Mutation[] {
  const decoded = decodeEnvelope(envelope, Infinity);
  const savedAt = savedAtOf(decoded) as bigint;
  return ledgerRules.completing(decoded.id, savedAt, savedAt);
}

class BatchEncoder {
  readonly #statements;
  readonly #prepared: PreparedBatches;
  readonly #tokens: PartitionTokens;
  readonly #keyspace: string;

  constructor({ client, keyspace }: Sides) {
    this.#statements = statementsFor(keyspace);
    this.#prepared = new PreparedBatches(this.#statements);
    this.#tokens = new PartitionTokens(client, driver);
    this.#keyspace = keyspace;
  }

  encode(partition: Partition, mutations: readonly Mutation[]): Batch {
    const saves = mutations.filter(({ kind }) => kind === "put-task").length;
    const completes = mutations.length / 2 - saves;
    const { text } = this.#prepared.of({ saves, completes }) as PreparedBatch;
    return {
      text,
      parameters: new MutationEncoder(this.#statements, partition).encodeAll(mutations),
      options: {
        prepare: true,
        isIdempotent: true,
        keyspace: this.#keyspace,
        routingKey: this.#tokens.of(partition) as Buffer,
      },
    };
  }
}
