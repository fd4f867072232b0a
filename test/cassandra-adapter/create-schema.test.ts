import driver from "cassandra-driver";
import { CassandraAdapter } from "taskledger/cassandra";
import { describe, expect, test } from "vitest";
import { LaggingCluster, type LaggingClusterOptions } from "./lagging-cluster.js";

const { errors, types } = driver;

const target = { keyspace: "ks", replication: { class: "NetworkTopologyStrategy", dc1: 3 }, shards: 8 };

const create = (cluster: LaggingCluster, options: object = {}) =>
  CassandraAdapter.createSchema({ client: cluster.client, ...target, ...options });

const changesOf = ({ statements }: LaggingCluster) => statements.filter((statement) => statement.includes(" CREATE "));

const once = (part: string, error: Error) => {
  let failed = false;
  return (query: string) => {
    if (failed || !query.includes(part)) return undefined;
    failed = true;
    return error;
  };
};

describe("createSchema", () => {
  test.each<[string, LaggingClusterOptions]>([
    ["at once", { lag: 0 }],
    ["after a while", { lag: 50 }],
    ["after a while, and statements go where the client wants", { lag: 50, heedsHost: false }],
  ])("makes a schema that all nodes have when it returns, where they learn of changes %s", async (_, options) => {
    const cluster = new LaggingCluster(options);
    await create(cluster);
    const schemas = cluster.nodes.map(({ schema }) => [...schema].sort());
    expect(schemas[0]).toHaveLength(7);
    expect(schemas).toEqual([schemas[0], schemas[0], schemas[0]]);
    expect(cluster.madeTwice).toEqual([]);
    const adapter = new CassandraAdapter({ client: cluster.client, keyspace: "ks" });
    await expect(adapter.find([{ taskList: "l", id: "i" }])).resolves.toEqual([undefined]);
    await adapter.close();
  });

  test("waits for a node that the others have not heard of yet: it would not learn of the changes", async () => {
    const cluster = new LaggingCluster({ lag: 0, lastJoinsAfter: 300 });
    await create(cluster);
    const [first, , last] = cluster.nodes;
    expect(last?.schema.size).toBe(7);
    expect(last?.schema).toEqual(first?.schema);
  });

  test("waits for nobody where all nodes know each other, by IPv6, too", async () => {
    await create(new LaggingCluster({ lag: 0, subnet: "2001:db8::" }), { deadline: 3_000 });
  });

  test("makes all changes through one node, which knows of those before", async () => {
    const cluster = new LaggingCluster({ lag: 50 });
    await create(cluster);
    expect(new Set(changesOf(cluster).map((statement) => statement.split(" ")[0])).size).toBe(1);
    expect(changesOf(cluster)).toHaveLength(7);
  });

  test.each([
    ["nodes never learn of a change", { lag: Infinity }, /the nodes do not agree on it/],
    ["one never learns of the keyspace", { lag: Infinity, heedsHost: false }, /Keyspace 'ks' doesn't exist/],
  ])("ends with its deadline where %s", async (_, options, message) => {
    const creating = create(new LaggingCluster(options), { deadline: 300 });
    await expect(creating).rejects.toMatchObject({
      code: "TIMEOUT",
      outcome: "unknown",
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ["timed out", new errors.OperationTimedOutError("no answer")],
    ["was lost with its node", Object.assign(new Error("Socket was closed"), { isSocketError: true })],
  ])("makes a change that %s again only once all nodes know what there is", async (_, error) => {
    const cluster = new LaggingCluster({ lag: 100, heedsHost: false, fail: once(".tasks (", error) });
    await create(cluster);
    expect(changesOf(cluster).filter((statement) => /\.tasks \(/.test(statement)).length).toBeGreaterThan(1);
    expect(cluster.madeTwice).toEqual([]);
  });

  test("sends a statement that is refused once, and says why", async () => {
    const refused = new errors.ResponseError(
      types.responseErrorCodes.configError,
      "Unrecognized strategy option {dc9}",
    );
    const cluster = new LaggingCluster({ lag: 0, fail: (query) => (query.includes("KEYSPACE") ? refused : undefined) });
    await expect(create(cluster)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/\{dc9\}/),
    });
    expect(changesOf(cluster)).toHaveLength(1);
  });

  test("changes nothing where all is there", async () => {
    const cluster = new LaggingCluster({ lag: 0 });
    await create(cluster);
    cluster.statements.length = 0;
    await create(cluster);
    expect(cluster.statements.filter((statement) => !/ SELECT /.test(statement))).toEqual([]);
    await expect(create(cluster, { shards: 16 })).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
  });

  test.each([0, -1, 0.5, Number.NaN, "1", 2 ** 31])("refuses a deadline of %j", async (deadline) => {
    const creating = create(new LaggingCluster({ lag: 0 }), { deadline });
    await expect(creating).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "deadline" });
  });
});
