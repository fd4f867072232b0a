import { Client } from "cassandra-driver";
import { DataInterface } from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { driverOptions, firstNode, newKeyspace, rawClient, replication, shutDown } from "./connection.js";
import { MisdirectingRelay } from "./misdirecting-relay.js";

const relay = new MisdirectingRelay(firstNode);
const keyspace = newKeyspace("stream_zero");
const client = rawClient();
const names = Array.from({ length: 3_000 }, (_, i) => `${i}`);
let throughRelay: typeof driverOptions;

beforeAll(async () => {
  throughRelay = { ...driverOptions, contactPoints: [await relay.listen()] };
});
beforeEach(() => {
  relay.interval = Infinity;
  relay.refused = 0;
});
afterAll(() => {
  relay.close();
  return shutDown(client);
});

/** Does something with each name, many at a time, until what comes is of another. */
async function misanswered(ask: (name: string) => Promise<string | undefined>): Promise<string[]> {
  const wrong: string[] = [];
  const rest = names.values();
  const askNext = async () => {
    for (const name of rest) {
      if ((await ask(name)) !== name) wrong.push(name);
      if (wrong.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: 40 }, askNext));
  return wrong;
}

test("the driver by itself gives callers the answers of others: else the guard can go", async () => {
  const unguarded = new Client(throughRelay);
  await unguarded.connect();
  relay.interval = 100;
  const wrong = await misanswered(async (name) => {
    const query = `SELECT (text) '${name}' AS name FROM system.local`;
    const failed = () => ({ rows: [{ name }] }); // which is none of others
    const { rows } = await unguarded.execute(query, [], { readTimeout: 500 }).catch(failed);
    return rows[0]?.name;
  });
  expect(wrong).not.toEqual([]);
  await unguarded.shutdown();
});

test.each([
  ["a client of the adapter's", () => throughRelay],
  ["a user's client", () => ({ client: new Client(throughRelay) })],
])(
  "every caller gets the answer to what was asked, though a node refuses some by errors that name others, with %s",
  async (_, connection) => {
    // Of many partitions, so that there are many requests.
    await CassandraAdapter.createSchema({ client, keyspace, replication, shards: 8 });
    const options = connection();
    const tasks = new DataInterface({
      types: [FetchFileTask],
      adapter: new CassandraAdapter({ ...options, keyspace, attemptTimeout: 200 }),
    });
    await tasks.find("list", "none");
    relay.interval = 100;
    const wrong = await misanswered(async (id) => {
      const task = FetchFileTask.build({ taskList: "list", id, filename: id });
      await tasks.save(task);
      const found = (await tasks.find("list", id)) as FetchFileTask | undefined;
      await tasks.complete(task);
      return (await tasks.find("list", id)) ? "still there" : found?.filename;
    });
    expect(wrong).toEqual([]);
    expect(relay.refused).toBeGreaterThan(30);
    await tasks.close();
    if (!("client" in options)) return;
    const underWay = () => {
      const state = options.client.getState();
      return state.getConnectedHosts().map((host) => state.getInFlightQueries(host));
    };
    await expect.poll(underWay).toEqual([0]);
    await options.client.shutdown();
  },
);
