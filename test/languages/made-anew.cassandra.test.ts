import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, test } from "vitest";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { DriverActor, driverCassandra } from "./driver.js";
import { prepareLanguages } from "./prepare.js";
import { newTask } from "./stage.js";

const prepared = await prepareLanguages();
const present = prepared.filter(({ missing }) => missing === undefined);
const client = rawClient();
afterAll(() => shutDown(client));

const HOUR = 3_600_000_000n;

async function makeAnew(keyspace: string, shards: number): Promise<void> {
  await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
  await CassandraAdapter.createSchema({ client, keyspace, replication, shards });
}

describe.each(present)("a keyspace that was made anew in $language.name", ({ language }) => {
  test("writes nothing to a keyspace that was made anew, once the clocks are compared again", async () => {
    const keyspace = newKeyspace("anew");
    const taskList = randomUUID();
    const begin = BigInt(Date.now()) * 1000n;
    const at = (micros: bigint) => ({ taskList, now: begin + micros, serverNow: begin + micros });
    const actor = new DriverActor(language, driverCassandra(cassandra, keyspace));
    try {
      await makeAnew(keyspace, 8);
      await actor.open();
      const saved = await actor.save({ envelope: newTask(taskList, "before"), replaced: [] }, at(0n));
      expect(saved.error).toBeNull();
      await makeAnew(keyspace, 16);
      const refused = { code: "SCHEMA_MISMATCH", outcome: "not-applied" };
      // The clock was set by more than the test takes: it is compared with Cassandra's again.
      const after = await actor.save({ envelope: newTask(taskList, "after"), replaced: [] }, at(HOUR));
      expect(after.error).toEqual(refused);
      expect((await actor.complete(saved.envelope, at(HOUR))).error).toEqual(refused);
      for (const table of ["tasks", "open_tasks"])
        expect((await client.execute(`SELECT * FROM ${keyspace}.${table}`)).rowLength).toBe(0);

      await actor.open();
      const again = await actor.save({ envelope: newTask(taskList, "again"), replaced: [] }, at(HOUR + 1n));
      expect(again.error).toBeNull();
      expect(await actor.list(at(HOUR + 2n))).toEqual([again.envelope]);
    } finally {
      await actor.close();
    }
  });
});
