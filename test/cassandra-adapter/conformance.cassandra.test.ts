import { type Host, tracker } from "cassandra-driver";
import { afterAll, describe, it } from "vitest";
import type { SaveEntry, Version } from "../../src/adapter/adapter.js";
import { statementsFor } from "../../src/adapters/cassandra/driver/statements.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DEFAULT_SHARDS, shardOf } from "../../src/adapters/cassandra/model/partition.js";
import { describeAdapter } from "../../src/testing/index.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const keyspace = newKeyspace("conformance");
const client = rawClient();
await CassandraAdapter.createSchema({ client, keyspace, replication });
afterAll(() => shutDown(client));

/** What a retry does that was held up on its way: the save's statements once more, at the version they had. */
async function redeliver({ taskList, id, body }: SaveEntry, savedAt: Version): Promise<void> {
  const { putTask, putEntry } = statementsFor(keyspace);
  const [version, shard] = [String(savedAt), shardOf(id, DEFAULT_SHARDS)];
  await client.batch(
    [
      { query: putTask, params: [taskList, shard, id, Buffer.from(body), version] },
      { query: putEntry, params: [taskList, shard, version, id, body.length, version] },
    ],
    { prepare: true },
  );
}

let reads = 0;
class ReadCounter extends tracker.RequestLogger {
  override onSuccess(_host: Host, query: unknown): void {
    if (String(query).startsWith("SELECT")) reads++;
  }
}
const requestTracker = new ReadCounter({ slowThreshold: 60_000 });

/** So small that no test of claims has to wait long for a lease to have surely ended. */
const clockLimit = 100;

const createAdapter = () => new CassandraAdapter({ ...driverOptions, requestTracker, keyspace, clockLimit });

describeAdapter("CassandraAdapter", createAdapter, {
  describe,
  it,
  redeliver,
  reads: () => reads,
  claimTolerance: 2 * clockLimit,
  together: false,
});
