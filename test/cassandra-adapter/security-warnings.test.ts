import driver, { type Client } from "cassandra-driver";
import { CassandraAdapter, type CassandraAdapterOptions } from "taskledger/cassandra";
import { openStore } from "taskledger/store";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { warnOfRisks } from "../../src/adapters/cassandra/driver/security-warnings.js";
import { selfSigned } from "./certificates.js";
import { FakeNode, type FakeNodeOptions } from "./fake-node.js";

const credentials = { username: "tasks", password: "mellon" };
const target = { localDataCenter: "dc1", keyspace: "ks", credentials };

type Warning = Error & { readonly code?: string };
const warnings: Warning[] = [];
const note = (warning: Warning) => void warnings.push(warning);
beforeAll(() => void process.on("warning", note));
afterAll(() => void process.off("warning", note));

const nodes: FakeNode[] = [];
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

async function listen(options: FakeNodeOptions = {}): Promise<string> {
  const node = await new FakeNode(options).listen();
  nodes.push(node);
  return `127.0.0.1:${node.port}`;
}

/** The codes and messages of the warnings that come of something, whatever else comes of it. */
async function warningsOf(act: () => Promise<unknown>): Promise<string[]> {
  warnings.length = 0;
  await act().catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve)); // they are emitted on the next tick
  return warnings
    .filter(({ code }) => code?.startsWith("TASKLEDGER_"))
    .map(({ name, code, message }) => `${name} ${code}: ${message}`);
}

const opening = (options: object) => async () => {
  const adapter = new CassandraAdapter({ ...target, deadline: 300, ...options } as CassandraAdapterOptions);
  await adapter.open().finally(() => adapter.close());
};

const byUrl =
  (host: string, query = "") =>
  () =>
    openStore(`cassandra://tasks:mellon@${host}/ks?datacenter=dc1${query}`);

const unverified = (host: string) =>
  expect.stringMatching(`^SecurityWarning TASKLEDGER_TLS_UNVERIFIED: the certificates of Cassandra at ${host} are`);
const unencrypted = (hosts: string) =>
  expect.stringMatching(
    `^SecurityWarning TASKLEDGER_PASSWORD_UNENCRYPTED: the password .* unencrypted to ${hosts}: use`,
  );

describe("certificates that are not verified are warned of once", () => {
  test("by URL", async () => {
    const node = await listen({ tls: selfSigned({ names: [] }) });
    const open = byUrl(node, "&tls=insecure");
    expect(await warningsOf(open)).toEqual([unverified(node)]);
    expect(await warningsOf(open)).toEqual([]);
  });

  test("by options, for each cluster", async () => {
    const [one, other] = [await listen({ tls: selfSigned({ names: [] }) }), await listen()];
    for (const node of [one, other])
      expect(await warningsOf(opening({ contactPoints: [node], sslOptions: { rejectUnauthorized: false } }))).toEqual([
        unverified(node),
      ]);
  });

  test("with a client of the user's that leaves it open whether it verifies", async () => {
    const node = await listen({ tls: selfSigned({ names: [] }) });
    const client = new driver.Client({ ...target, keyspace: "", contactPoints: [node], sslOptions: {} });
    expect(await warningsOf(opening({ client }))).toEqual([unverified(node)]);
    await client.shutdown();
  });

  test("and not where they are", async () => {
    const node = await listen({ tls: selfSigned({ names: [] }) });
    expect(await warningsOf(byUrl(node, "&tls=true"))).toEqual([]);
    expect(await warningsOf(opening({ contactPoints: [node], sslOptions: {} }))).toEqual([]);
    const client = new driver.Client({ ...target, contactPoints: [node], sslOptions: { rejectUnauthorized: true } });
    expect(await warningsOf(opening({ client }))).toEqual([]);
    await client.shutdown();
  });
});

describe("a password that is sent unencrypted is warned of once", () => {
  const away = "192.0.2.1"; // reserved: nobody is there

  test("by URL", async () => {
    const open = byUrl("cassandra.invalid"); // a name that nobody has
    expect(await warningsOf(open)).toEqual([unencrypted("cassandra.invalid")]);
    expect(await warningsOf(open)).toEqual([]);
  });

  test("by options", async () => {
    const open = opening({ contactPoints: [`${away}:1`, "127.0.0.1:1"] });
    expect(await warningsOf(open)).toEqual([unencrypted(`${away}:1`)]);
    expect(await warningsOf(open)).toEqual([]);
  });

  test("with a client of the user's", async () => {
    const client = new driver.Client({ ...target, contactPoints: ["cassandra.internal", "127.0.0.1"] });
    expect(await warningsOf(opening({ client }))).toEqual([unencrypted("cassandra.internal")]);
    await client.shutdown();
  });

  test("where the first node is on this machine, and tells of others that are not", async () => {
    const node = await listen({ takesPasswords: true, peers: [away] });
    const open = opening({ contactPoints: [node], socketOptions: { connectTimeout: 100 }, deadline: 3_000 });
    expect(await warningsOf(open)).toEqual([unencrypted(away)]);
    expect(await warningsOf(open)).toEqual([]);
  });

  test("and not where a node is told of by its IPv6 address on this machine", async () => {
    const authProvider = new driver.auth.PlainTextAuthProvider("tasks", "mellon");
    const hosts = { values: () => [{ address: "::1:9042" }, { address: "127.0.0.1:9042" }] };
    const client = { options: { contactPoints: ["[::1]:9042"], authProvider }, hosts } as unknown as Client;
    expect(await warningsOf(async () => warnOfRisks(client))).toEqual([]);
  });

  test("and not on this machine, without a password, or with TLS", async () => {
    const contactPoints = ["localhost:1", "127.0.0.1:1", "127.3.2.1:1", "[::1]:1"];
    expect(await warningsOf(opening({ contactPoints }))).toEqual([]);
    const remote = { ...target, contactPoints: [`${away}:2`], deadline: 100 };
    const { credentials: _, ...withoutPassword } = remote;
    expect(await warningsOf(() => new CassandraAdapter(withoutPassword).open())).toEqual([]);
    expect(await warningsOf(opening({ ...remote, sslOptions: {} }))).toEqual([]);
  });
});
