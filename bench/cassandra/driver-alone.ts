import type { Client, QueryOptions } from "cassandra-driver";
import { type Query, statementsFor, toQuery } from "../../src/adapters/cassandra/driver/statements.js";
import { ledgerRules } from "../../src/adapters/cassandra/ledger/rules.js";
import type { Mutation } from "../../src/adapters/cassandra/model/session.js";
import { decodeEnvelope } from "../../src/envelope/decode.js";
import { encodeBody } from "../../src/envelope/encode.js";
import { savedAtOf } from "../../src/envelope/envelope.js";
import { secondsOf } from "../harness.js";
import { FetchFileTask, storedBytes } from "../tasks.js";
import type { Sides } from "./clients.js";

/**
 * Tasks per second that the driver alone saves and completes, in the best batches for this concurrency: one batch is in
 * flight per partition, with all operations that could wait for it, and everything is encoded before the measurement. A ledger
 * that writes the same rows can't be faster.
 */
export async function driverAlone(
  { client, keyspace, shards }: Sides,
  list: string,
  { count, concurrency }: { readonly count: number; readonly concurrency: number },
): Promise<number> {
  const lanes = Math.min(shards, concurrency);
  const together = Math.floor(concurrency / lanes);
  const statements = statementsFor(keyspace);
  const envelopes = await storedBytes(list, count);
  const batches = Array.from({ length: lanes }, (_, shard) => {
    const own = envelopes.filter((_, index) => index % lanes === shard);
    const encode = (mutation: Mutation) => toQuery(statements, { taskList: list, shard }, mutation);
    return operationsOf(own, together).map((mutations) => mutations.map(encode));
  });
  const options = { prepare: true, isIdempotent: true, keyspace };
  const seconds = await secondsOf(() => Promise.all(batches.map((lane) => sendInTurn(client, lane, options))));
  return count / seconds;
}

async function sendInTurn(client: Client, batches: readonly Query[][], options: QueryOptions): Promise<void> {
  for (const queries of batches) await client.batch(queries, options);
}

/** The mutations of each batch: saves, together with completes of earlier ones; separate if the concurrency is 1. */
function operationsOf(envelopes: readonly Buffer[], together: number): Mutation[][] {
  const size = Math.max(1, together >> 1);
  const batches: Mutation[][] = [];
  let completes: Mutation[] = [];
  for (let from = 0; from < envelopes.length; from += size) {
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
  return ledgerRules.completing(decoded.id, savedAt);
}
