import { afterAll, describe, expect, it } from "vitest";
import { CassandraAdapter, type LedgerOptions } from "../../src/adapters/cassandra/index.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const client = rawClient();
await client.connect();
afterAll(() => shutDown(client));

async function made(options: object = {}): Promise<string> {
  const keyspace = newKeyspace("schema");
  await CassandraAdapter.createSchema({ client, keyspace, replication, ...options });
  return keyspace;
}

const opened = async (keyspace: string, options: LedgerOptions = {}) => {
  const adapter = new CassandraAdapter({ client, keyspace, ...options });
  await adapter.open();
  await adapter.close();
};

/** How many milliseconds ago the latest version was that a sweep may have covered. */
async function ageOfSwept(keyspace: string): Promise<number> {
  const adapter = new CassandraAdapter({ client, keyspace });
  await adapter.sweep("l");
  await adapter.close();
  const { rows } = await client.execute(`SELECT swept_to FROM ${keyspace}.sweeps`);
  return Date.now() - Number(String(rows[0]?.swept_to)) / 1000;
}

describe("createSchema", () => {
  it("makes a keyspace that an adapter opens, and can be called again", async () => {
    const keyspace = await made();
    await CassandraAdapter.createSchema({ client, keyspace, replication });
    await opened(keyspace);
  });

  it("settles shards, layout, data centre and grace period", async () => {
    const keyspace = await made({ shards: 64, gracePeriod: 20_000 });
    const { rows } = await client.execute(`SELECT name, value FROM ${keyspace}.settings`);
    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual({
      layout: "1",
      shards: "64",
      data_center: driverOptions.localDataCenter,
      grace_period: "20000",
    });
  });

  it("makes a grace period of one minute by default", async () => {
    await opened(await made(), { gracePeriod: 60_000 });
  });

  it("adds a setting that is not there yet", async () => {
    const keyspace = await made();
    await client.execute(`DELETE FROM ${keyspace}.settings WHERE name = 'grace_period' IF EXISTS`);
    await CassandraAdapter.createSchema({ client, keyspace, replication });
    await opened(keyspace);
  });

  it("refuses settings that differ from those that are there, and says which", async () => {
    const keyspace = await made({ shards: 8 });
    const again = { client, keyspace, replication, shards: 16, severalDataCenters: true, gracePeriod: 90_000 };
    await expect(CassandraAdapter.createSchema(again)).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringMatching(
        /shards: is "8", and "16" was asked for; .*data_center: .*"\*".*; setting grace_period: is "60000", and "90000" was/,
      ),
    });
  });

  it("adds no setting where another differs, or a table's options", async () => {
    const keyspace = await made({ shards: 8 });
    await client.execute(`DELETE FROM ${keyspace}.settings WHERE name = 'grace_period' IF EXISTS`);
    await client.execute(`DROP TABLE ${keyspace}.claims`);
    const refuses = (options: object, message: RegExp) =>
      expect(CassandraAdapter.createSchema({ client, keyspace, replication, ...options })).rejects.toMatchObject({
        code: "SCHEMA_MISMATCH",
        message: expect.stringMatching(message),
      });
    await refuses({ shards: 16, gracePeriod: 60_000 }, /: setting shards: is "8", and "16" was asked for$/);
    await client.execute(`ALTER TABLE ${keyspace}.tasks WITH default_time_to_live = 60`);
    await refuses({ shards: 8 }, /: table tasks: default_time_to_live is 60, and must be 0: tasks would expire$/);
    const { rows } = await client.execute(`SELECT name FROM ${keyspace}.settings`);
    expect(rows.map(({ name }) => name).sort()).toEqual(["data_center", "layout", "shards"]);
    await expect(client.execute(`SELECT * FROM ${keyspace}.claims`)).rejects.toThrow();
  });

  it("settles all by one of two hosts that ask for different settings at once, and refuses the other", async () => {
    const keyspace = newKeyspace("schema");
    const [one, other] = [
      { shards: 8, gracePeriod: 60_000 },
      { shards: 16, gracePeriod: 30_000 },
    ];
    const making = [one, other].map((asked) =>
      CassandraAdapter.createSchema({ client, keyspace, replication, ...asked }),
    );
    const outcomes = await Promise.allSettled(making);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const asked = outcomes[0]?.status === "fulfilled" ? one : other;
    const { rows } = await client.execute(`SELECT name, value FROM ${keyspace}.settings`);
    const settings = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    expect(settings).toMatchObject({ shards: String(asked?.shards), grace_period: String(asked?.gracePeriod) });
  });

  it("refuses replication that differs from what is there, and says in what", async () => {
    const keyspace = await made();
    const other = { class: "NetworkTopologyStrategy", [String(driverOptions.localDataCenter)]: 2, mars: 1 };
    await expect(CassandraAdapter.createSchema({ client, keyspace, replication: other })).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringMatching(
        /replication \w+: is "1", and 2 was asked for; replication mars: is undefined, and 1/,
      ),
    });
    const spread = { class: "NetworkTopologyStrategy", replication_factor: 1 };
    await CassandraAdapter.createSchema({ client, keyspace, replication: spread });
  });

  it("makes nothing beside tables of the same names that are another program's", async () => {
    const keyspace = newKeyspace("schema");
    const dataCenter = `'${driverOptions.localDataCenter}'`;
    await client.execute(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy', ${dataCenter}: 1}`,
    );
    await client.execute(`CREATE TABLE ${keyspace}.tasks (id int PRIMARY KEY)`);
    await expect(CassandraAdapter.createSchema({ client, keyspace, replication })).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringContaining("column tasks.body: is missing"),
    });
    const query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?";
    expect((await client.execute(query, [keyspace])).rows).toHaveLength(1);
  });

  it("lets many hosts make one schema at once", async () => {
    const keyspace = newKeyspace("schema");
    await Promise.all(
      Array.from({ length: 4 }, () => CassandraAdapter.createSchema({ client, keyspace, replication })),
    );
    await opened(keyspace);
  });

  it.each([0, 3, 6, 131_072, 1.5])("refuses %d shards", async (shards) => {
    await expect(made({ shards })).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "shards" });
  });

  it("refuses a name that is no keyspace's", async () => {
    const options = { client, keyspace: 'x"; DROP', replication };
    await expect(CassandraAdapter.createSchema(options)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "keyspace",
    });
  });
});

describe("open", () => {
  it("says how to make a schema where there is none", async () => {
    await expect(opened("nothing_here")).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringContaining("createSchema"),
    });
  });

  it.each([
    ["ALTER TABLE %.tasks DROP body", /column tasks\.body: is missing/],
    ["DROP TABLE %.open_tasks", /table open_tasks is missing; createSchema makes it/],
    ["DROP TABLE %.claims", /table claims is missing; createSchema makes it/],
    ["DROP TABLE %.settings", /table settings is missing/],
    ["ALTER TABLE %.open_tasks WITH read_repair = 'NONE'", /table open_tasks: read_repair is NONE/],
    ["ALTER TABLE %.tasks WITH default_time_to_live = 60", /table tasks: default_time_to_live is 60, and must be 0/],
    ["ALTER TABLE %.tasks WITH gc_grace_seconds = 60", /table tasks: gc_grace_seconds is 60, and must be at least/],
    ["UPDATE %.settings SET value = '7' WHERE name = 'shards'", /shards: "7" is no power of two/],
    ["UPDATE %.settings SET value = '2' WHERE name = 'layout'", /layout: is "2", and must be "1"/],
    ["DELETE FROM %.settings WHERE name = 'data_center'", /data_center: is missing/],
    ["DELETE FROM %.settings WHERE name = 'grace_period'", /grace_period: is missing; createSchema writes it/],
    [
      "UPDATE %.settings SET value = '6e5' WHERE name = 'grace_period'",
      /grace_period: "6e5" is no whole number of milliseconds/,
    ],
    [
      "UPDATE %.settings SET value = '-1' WHERE name = 'grace_period'",
      /grace_period: "-1" is no whole number of milliseconds/,
    ],
    ["UPDATE %.settings SET value = '2147483648' WHERE name = 'grace_period'", /to 2147483647/],
    [
      "UPDATE %.settings SET value = '19999' WHERE name = 'grace_period'",
      /grace_period: is "19999", and must be at least 20000/,
    ],
    ["UPDATE %.settings SET value = 'mars' WHERE name = 'data_center'", /data centre "mars", and this one is in/],
  ])("says what differs after %s", async (statement, message) => {
    const keyspace = await made();
    await client.execute(statement.replace("%", keyspace));
    await expect(opened(keyspace)).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringMatching(message),
    });
  });

  it("refuses a grace period that is not the keyspace's, names both, and says what to do", async () => {
    const keyspace = await made({ gracePeriod: 60_000 });
    await expect(opened(keyspace, { gracePeriod: 30_000 })).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringMatching(
        /grace period is 60000 ms, .*option gracePeriod is 30000 ms: give 60000, or leave the option out/,
      ),
    });
    await opened(keyspace, { gracePeriod: 60_000 });
  });

  it.each([20_000, 3_600_000])(
    "takes the keyspace's grace period: sweeps cover what is older than %d ms",
    async (gracePeriod) => {
      const age = await ageOfSwept(await made({ gracePeriod, shards: 1 }));
      expect(age).toBeGreaterThanOrEqual(gracePeriod);
      expect(age).toBeLessThan(gracePeriod + 10_000);
    },
  );

  it("can be tried again after it has failed", async () => {
    const keyspace = newKeyspace("schema");
    const adapter = new CassandraAdapter({ client, keyspace });
    await expect(adapter.open()).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
    await CassandraAdapter.createSchema({ client, keyspace, replication });
    await adapter.open();
    await adapter.close();
  });

  it("leaves a client open that the user made, and shuts down its own", async () => {
    const keyspace = await made();
    await opened(keyspace);
    expect(client.getState().getConnectedHosts()).toHaveLength(1);
    const own = new CassandraAdapter({ ...driverOptions, keyspace });
    await own.open();
    await own.close();
    await expect(own.find([])).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("is UNAVAILABLE, with an error of one line, where nobody answers", async () => {
    const adapter = new CassandraAdapter({
      contactPoints: ["127.0.0.1:1"],
      localDataCenter: "datacenter1",
      keyspace: "k",
    });
    await expect(adapter.open()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/^Cassandra can't be reached: .*127\.0\.0\.1:1: connect ECONNREFUSED .*$/),
    });
    await adapter.close();
  });

  it("says so where the data centre is another", async () => {
    const adapter = new CassandraAdapter({ ...driverOptions, localDataCenter: "mars", keyspace: "k" });
    await expect(adapter.open()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("mars"),
    });
    await adapter.close();
  });
});
