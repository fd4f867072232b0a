import { type Client, type QueryOptions, types } from "cassandra-driver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { DataInterface } from "../../src/index.js";
import { type CassandraCluster, clientOf, startCluster } from "../support/cassandra/cluster.js";
import { missingForJars } from "../support/cassandra/jars.js";
import type { CassandraNode } from "../support/cassandra/node.js";

// What docs/cassandra.md says under "Consistency and data centres".

type DataCenter = "dc1" | "dc2";
type Tasks = DataInterface<typeof FetchFileTask>;
type Levels = Pick<Required<QueryOptions>, "consistency" | "serialConsistency">;

const { all, localQuorum, serial, localSerial } = types.consistencies;
const missing = await missingForJars();
const reason = missing ? ` (skipped: ${missing})` : "";
const list = "list";
let cluster: CassandraCluster;
let nodes: Record<DataCenter, CassandraNode>;

beforeAll(async () => {
  if (missing !== undefined) return;
  cluster = await startCluster({
    addresses: ["127.0.0.31", "127.0.0.32"],
    dataCenters: ["dc1", "dc2"],
    // So that a node that was away has what it missed by a repair only.
    settings: { hinted_handoff_enabled: false },
  });
  const [dc1, dc2] = cluster.nodes as [CassandraNode, CassandraNode];
  nodes = { dc1, dc2 };
}, 180_000);
afterAll(() => cluster?.stop());

function optionsIn(dataCenter: DataCenter) {
  return {
    contactPoints: [nodes[dataCenter].contactPoint],
    localDataCenter: dataCenter,
    protocolOptions: { port: cluster.port },
  };
}

async function makeKeyspace(keyspace: string, severalDataCenters = false): Promise<void> {
  const replication = { class: "NetworkTopologyStrategy", dc1: 1, dc2: 1 };
  await CassandraAdapter.createSchema({ ...optionsIn("dc1"), keyspace, replication, severalDataCenters });
}

async function withTasks<R>(dataCenter: DataCenter, keyspace: string, work: (tasks: Tasks) => Promise<R>): Promise<R> {
  const adapter = new CassandraAdapter({ ...optionsIn(dataCenter), keyspace });
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter });
  return await work(tasks);
}

const tryOpening = (dataCenter: DataCenter, keyspace: string): Promise<string> =>
  withTasks(dataCenter, keyspace, (tasks) =>
    tasks.adapter.open().then(
      () => "open",
      ({ code, message }) => `${code}: ${message}`,
    ),
  );

const mismatch = expect.stringMatching(/^SCHEMA_MISMATCH: .*data centre/);

/** Saves some tasks, and completes the first of them; gives the ids of the others. */
async function saveSome(tasks: Tasks): Promise<string[]> {
  const ids = Array.from({ length: 20 }, (_, i) => `file${i}`);
  for (const id of ids) await tasks.create(FetchFileTask, { taskList: list, id });
  await tasks.complete((await tasks.find(list, "file0")) as FetchFileTask);
  return ids.slice(1);
}

async function openIds(tasks: Tasks): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of tasks.all(list)) ids.push(id);
  return ids;
}

/** Gives dc2 the keyspace, as `cqlsh` on its node would; resolves to the name that is then there. */
async function handOver(keyspace: string, levels: Levels): Promise<string> {
  const client = clientOf(nodes.dc2);
  try {
    const update = `UPDATE ${keyspace}.settings SET value = 'dc2' WHERE name = 'data_center' IF value = 'dc1'`;
    await client.execute(update, [], levels);
    return await readName(client, keyspace, levels.consistency);
  } finally {
    await client.shutdown();
  }
}

async function readName(client: Client, keyspace: string, consistency: types.consistencies): Promise<string> {
  const query = `SELECT value FROM ${keyspace}.settings WHERE name = 'data_center'`;
  return (await client.execute(query, [], { consistency })).first().value;
}

describe.skipIf(missing)(`a keyspace for several data centres${reason}`, { timeout: 120_000 }, () => {
  test("is used by clients of each, who see at once what the others saved and completed", async () => {
    await makeKeyspace("several", true);
    const ids = await withTasks("dc1", "several", saveSome);
    await withTasks("dc2", "several", async (tasks) => {
      expect(await openIds(tasks)).toEqual(ids);
      for await (const task of tasks.all(list)) await tasks.complete(task);
      await tasks.create(FetchFileTask, { taskList: list, id: "new" });
    });
    expect(await withTasks("dc1", "several", openIds)).toEqual(["new"]);
  });
});

describe.skipIf(missing)(`a fail-over${reason}`, { timeout: 120_000 }, () => {
  test("while the old data centre is up takes everything along, and leaves no way in for clients of the old one", async () => {
    await makeKeyspace("planned");
    await nodes.dc2.stop();
    const ids = await withTasks("dc1", "planned", saveSome);
    await nodes.dc2.start();
    await cluster.settled();
    expect(await tryOpening("dc2", "planned")).toEqual(mismatch);

    await nodes.dc2.nodetool("repair", "--full", "planned");
    expect(await handOver("planned", { consistency: all, serialConsistency: serial })).toBe("dc2");

    expect(await withTasks("dc2", "planned", openIds)).toEqual(ids);
    expect(await tryOpening("dc1", "planned")).toEqual(mismatch);
  });

  test("when the old data centre is gone takes along what had reached the new one, which goes on alone", async () => {
    await makeKeyspace("gone");
    const ids = await withTasks("dc1", "gone", saveSome);
    await nodes.dc1.kill("SIGKILL");

    // With one replica there is nothing to repair among those of dc2. A majority of both needs the old one.
    await expect(handOver("gone", { consistency: all, serialConsistency: serial })).rejects.toThrow(
      /consistency SERIAL/,
    );
    expect(await handOver("gone", { consistency: localQuorum, serialConsistency: localSerial })).toBe("dc2");

    await withTasks("dc2", "gone", async (tasks) => {
      expect(await openIds(tasks)).toEqual(ids);
      for await (const task of tasks.all(list)) await tasks.complete(task);
      await tasks.create(FetchFileTask, { taskList: list, id: "new" });
      expect(await openIds(tasks)).toEqual(["new"]);
    });
  });

  test("leaves no way in for clients of the old data centre, once that is back and repaired", async () => {
    await nodes.dc1.start();
    await cluster.settled();
    // Until then there is one: this is what the repair is for.
    expect(await tryOpening("dc1", "gone")).toBe("open");

    await nodes.dc1.nodetool("repair", "--full", "gone");
    const client = clientOf(nodes.dc2);
    expect(await readName(client, "gone", all)).toBe("dc2");
    await client.shutdown();
    expect(await tryOpening("dc1", "gone")).toEqual(mismatch);
  });
});
