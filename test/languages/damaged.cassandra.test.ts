import { randomUUID } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DamagedTaskSchema } from "../../gen/taskledger/v1/damaged_task_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import { newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { DriverActor, driverCassandra } from "./driver.js";
import { prepareLanguages } from "./prepare.js";
import { newTask } from "./stage.js";

const SHARDS = 8;
const prepared = await prepareLanguages();
const present = prepared.filter(({ missing }) => missing === undefined);
const client = rawClient();
const keyspace = newKeyspace("damaged");
beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication, shards: SHARDS }));
afterAll(() => shutDown(client));

/** Writes both rows of a task, with this body. */
async function write(taskList: string, id: string, version: bigint, body: Uint8Array): Promise<void> {
  const place = [taskList, shardOf(id, SHARDS)];
  const [task, entry] = [
    `INSERT INTO ${keyspace}.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`,
    `INSERT INTO ${keyspace}.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  ];
  const at = String(version);
  await client.execute(task, [...place, id, Buffer.from(body), at], { prepare: true });
  await client.execute(entry, [...place, at, id, body.length, at], { prepare: true });
}

describe.each(present)("damaged rows in $language.name", ({ language }) => {
  test("lists, finds and completes rows that are no tasks, and tasks of another list or id", async () => {
    const taskList = randomUUID();
    const begin = BigInt(Date.now()) * 1000n;
    const bodies: Record<string, Uint8Array> = {
      garbage: Uint8Array.of(0xff),
      nothing: new Uint8Array(),
      "of another id": Buffer.from(newTask(taskList, "other"), "base64"),
      "of another list": Buffer.from(newTask("other", "of another list"), "base64"),
    };
    let version = begin;
    for (const [id, body] of Object.entries(bodies)) await write(taskList, id, version++, body);
    const situation = { taskList, now: begin + 100n, serverNow: begin + 100n };
    const actor = new DriverActor(language, driverCassandra(cassandra, keyspace));
    try {
      await actor.open();
      const listed = await actor.list(situation);
      const envelopes = listed.map((envelope) => fromBinary(TaskEnvelopeSchema, Buffer.from(envelope, "base64")));
      expect(envelopes.map(({ id }) => id)).toEqual(Object.keys(bodies));
      for (const { id, data, taskList: list } of envelopes) {
        expect([list, data?.typeUrl]).toEqual([taskList, "type.googleapis.com/taskledger.v1.DamagedTask"]);
        const { body } = fromBinary(DamagedTaskSchema, data?.value ?? new Uint8Array());
        expect(Buffer.from(body)).toEqual(Buffer.from(bodies[id] as Uint8Array));
      }
      for (const [i, id] of Object.keys(bodies).entries()) expect(await actor.find(id, situation)).toBe(listed[i]);
      for (const envelope of listed) expect((await actor.complete(envelope, situation)).error).toBeNull();
      expect(await actor.list(situation)).toEqual([]);
      expect((await client.execute(`SELECT id FROM ${keyspace}.tasks`)).rowLength).toBe(0);
    } finally {
      await actor.close();
    }
  });
});
