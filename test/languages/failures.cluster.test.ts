import { createInterface } from "node:readline";
import type { Client } from "cassandra-driver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import { missingForJars } from "../support/cassandra/jars.js";
import { spawnDriver } from "./driver.js";
import { type OwnNode, startOwnNode } from "./own-node.js";
import { prepareLanguages } from "./prepare.js";

// What docs/failures.md says of the workers in other languages: each meets every fault once, on a node of their own.

const missing = await missingForJars();
const prepared = await prepareLanguages();
const present = missing === undefined ? prepared.filter((each) => each.missing === undefined) : [];
const keyspace = "faults";
const keyspaces = {
  "no keyspace": "nowhere",
  "no tables": "empty",
  "wrong shards": "shards",
  "time to live": "expiring",
};

type Failure = { readonly code: string; readonly outcome: string } | null;
type Found = Readonly<Record<string, Failure>> & { readonly "bad row"?: readonly [string, string][] };
const found = new Map<string, Found>();
let node: OwnNode | undefined;

beforeAll(async () => {
  if (present.length === 0) return;
  node = await startOwnNode("127.0.0.41");
  await makeKeyspaces(node.client);
  await Promise.all(present.map(({ language }) => meetFaults(language.name)));
}, 400_000);
afterAll(() => node?.stop());

async function makeKeyspaces(client: Client): Promise<void> {
  const replication = { class: "SimpleStrategy", replication_factor: 1 };
  for (const name of [keyspace, keyspaces["wrong shards"], keyspaces["time to live"]])
    await CassandraAdapter.createSchema({ client, keyspace: name, replication });
  await client.execute(`CREATE KEYSPACE empty WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
  await client.execute(`UPDATE shards.settings SET value = '3' WHERE name = 'shards'`);
  await client.execute("ALTER TABLE expiring.tasks WITH default_time_to_live = 4");
  const { rows } = await client.execute(`SELECT value FROM ${keyspace}.settings WHERE name = 'shards'`);
  const place = ["bad rows", shardOf("bad", Number(rows[0]?.value))];
  const version = String(BigInt(Date.now()) * 1000n);
  const [task, entry] = [
    `INSERT INTO ${keyspace}.tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`,
    `INSERT INTO ${keyspace}.open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  ];
  await client.execute(task, [...place, "bad", Buffer.of(0xff), version], { prepare: true });
  await client.execute(entry, [...place, version, "bad", 1, version], { prepare: true });
}

let arrived = 0;
let killed: (() => void) | undefined;
const nodeIsKilled = new Promise<void>((resolve) => {
  killed = resolve;
});

/** All meet the same faults; the node is killed once each has met those that need it. */
async function meetFaults(name: string): Promise<void> {
  const language = present.find((each) => each.language.name === name)?.language;
  if (language === undefined || node === undefined) return;
  const driver = spawnDriver(language, "fail", JSON.stringify(node.store(keyspace)), JSON.stringify(keyspaces));
  driver.stdin.on("error", () => undefined); // it has ended after its last line
  for await (const line of createInterface(driver.stdout)) {
    found.set(name, { ...found.get(name), ...JSON.parse(line).found });
    if (arrived < present.length && ++arrived === present.length) {
      await node.kill();
      killed?.();
    }
    await nodeIsKilled;
    driver.stdin.write("\n");
  }
}

const refused = (code: string) => ({ code, outcome: "not-applied" });

describe.each(present)("faults in $language.name", ({ language: { name } }) => {
  const of = (fault: string) => found.get(name)?.[fault];

  test("a keyspace that is not there, or has no tables, is SCHEMA_MISMATCH", () => {
    expect([of("no keyspace"), of("no tables")]).toEqual([refused("SCHEMA_MISMATCH"), refused("SCHEMA_MISMATCH")]);
  });

  test("settings and table options that it can not work with are SCHEMA_MISMATCH", () => {
    expect([of("wrong shards"), of("time to live")]).toEqual([refused("SCHEMA_MISMATCH"), refused("SCHEMA_MISMATCH")]);
  });

  test("a clock that is off by five seconds is CLOCK_SKEW for saves, and completing goes on", () => {
    expect([of("clock ahead"), of("clock behind")]).toEqual([refused("CLOCK_SKEW"), refused("CLOCK_SKEW")]);
    expect(of("complete with the clock ahead")).toBeNull();
  });

  test("a row that is no task is listed as a damaged one", () => {
    expect(of("bad row")).toEqual([["bad", "taskledger.v1.DamagedTask"]]);
  });

  // Python's calls have no signal.
  if (name !== "Python")
    test("a call that is cancelled before it is sent is ABORTED", () => {
      expect(of("cancelled save")).toEqual(refused("ABORTED"));
    });

  test("a node that is killed makes saves and lists TIMEOUT or UNAVAILABLE at the deadline", () => {
    for (const fault of ["save without a node", "list without a node"])
      expect(["TIMEOUT", "UNAVAILABLE"]).toContain(of(fault)?.code);
    expect(of("list without a node")?.outcome).toBe("not-applied");
  });

  test("a session that was closed is CLOSED at once", () => {
    expect([of("closed save"), of("closed list")]).toEqual([refused("CLOSED"), refused("CLOSED")]);
  });
});

if (present.length === 0) test.skip(`left out: ${missing ?? "no language is here"}`, () => undefined);
