import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { inspect } from "node:util";
import { CassandraAdapter } from "taskledger/cassandra";
import { openStore } from "taskledger/store";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CertificateAuthority, type KeyAndCertificate, selfSigned } from "./certificates.js";
import { FakeNode, type FakeNodeOptions } from "./fake-node.js";

const PASSWORD = "mellon";
const credentials = { username: "tasks", password: PASSWORD };
const target = { localDataCenter: "dc1", keyspace: "ks", credentials };

const authority = new CertificateAuthority("the authority");
const stranger = new CertificateAuthority("another authority");
const nodes: FakeNode[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "taskledger-tls-"));
  for (const { name, ca } of [
    { name: "ca", ca: authority },
    { name: "stranger", ca: stranger },
  ])
    await writeFile(join(folder, `${name}.pem`), ca.cert);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  for (const node of nodes.splice(0)) node.close();
});

async function listen(options: FakeNodeOptions): Promise<FakeNode> {
  const node = await new FakeNode(options).listen();
  nodes.push(node);
  return node;
}

type Trusted = "ca" | "stranger" | undefined;

/** Connects to a contact point, trusting an authority; gives the error that it ends with. */
const ways: [string, (contactPoint: string, trusted: Trusted) => Promise<unknown>][] = [
  [
    "by URL",
    (contactPoint, trusted) => {
      const file = trusted && `&tlsCAFile=${encodeURIComponent(join(folder, `${trusted}.pem`))}`;
      return openStore(`cassandra://tasks:${PASSWORD}@${contactPoint}/ks?datacenter=dc1&tls=true${file ?? ""}`);
    },
  ],
  ["by options", (contactPoint, trusted) => openWith(contactPoint, trusting(trusted))],
  [
    "by options of createSchema",
    (contactPoint, trusted) =>
      CassandraAdapter.createSchema({
        ...target,
        contactPoints: [contactPoint],
        sslOptions: trusting(trusted),
        replication: { class: "NetworkTopologyStrategy", dc1: 1 },
      }),
  ],
];

function trusting(trusted: Trusted): ConnectionOptions {
  return trusted === undefined ? {} : { ca: trusted === "ca" ? authority.cert : stranger.cert };
}

async function openWith(contactPoint: string, sslOptions: ConnectionOptions): Promise<unknown> {
  const adapter = new CassandraAdapter({ ...target, contactPoints: [contactPoint], sslOptions });
  try {
    return await adapter.open();
  } finally {
    await adapter.close();
  }
}

const here = { names: ["127.0.0.1"] };

describe.each(ways)("connecting with TLS, %s", (_, connect) => {
  async function tryWith(tls: KeyAndCertificate, trusted?: Trusted, host = "127.0.0.1") {
    const node = await listen({ tls });
    const error = await connect(`${host}:${node.port}`, trusted).then(
      () => undefined,
      (error) => error,
    );
    return { error, passwords: node.passwords };
  }

  test.each<[string, RegExp, KeyAndCertificate, Trusted?, string?]>([
    ["is its own authority", /self-signed certificate.*tlsCAFile.*sslOptions\.ca/, selfSigned(here)],
    ["has an authority that nobody trusts", /unable to verify.*tlsCAFile.*sslOptions\.ca/, authority.sign(here)],
    ["has another authority", /unable to verify/, authority.sign(here), "stranger"],
    ["names another host", /names DNS:other/, authority.sign({ names: ["other"] }), "ca"],
    ["names another address", /names IP Address:127\.0\.0\.9/, authority.sign({ names: ["127.0.0.9"] }), "ca"],
    ["names a host, where an address was asked for", /names DNS/, authority.sign({ names: ["localhost"] }), "ca"],
    ["names an address, where a host was asked for", /names IP Address/, authority.sign(here), "ca", "localhost"],
    ["is over", /expired/, authority.sign({ ...here, days: [-3, -1] }), "ca"],
    ["has not begun", /not yet valid/, authority.sign({ ...here, days: [1, 3] }), "ca"],
  ])("a node whose certificate %s is not told the password", async (_, message, certificate, trusted, host) => {
    const { error, passwords } = await tryWith(certificate, trusted, host);
    expect(error).toMatchObject({ code: "UNAVAILABLE", message: expect.stringMatching(message) });
    expect(passwords).toEqual([]);
  });

  test.each([
    ["by its address", authority.sign(here), "127.0.0.1"],
    ["by its name", authority.sign({ names: ["localhost"] }), "localhost"],
    ["by one of its names", authority.sign({ names: ["other", "127.0.0.9", "localhost"] }), "localhost"],
  ])("a node that is verified %s is told the password, and refuses it without a trace of it", async (_, tls, host) => {
    const { error, passwords } = await tryWith(tls, "ca", host);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/password/) });
    expect(passwords).toEqual([PASSWORD]);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain(PASSWORD);
  });
});

describe("a node that the first one tells of", () => {
  async function tryWith(second: KeyAndCertificate, first = authority.sign(here), host = "127.0.0.1") {
    const tls = await listen({ tls: first, takesPasswords: true, peers: ["127.0.0.2"] });
    const told = await listen({ tls: second, address: "127.0.0.2", port: tls.port, takesPasswords: true });
    await openWith(`${host}:${tls.port}`, { ca: authority.cert }).catch(() => undefined);
    expect(tls.passwords).toContain(PASSWORD);
    expect(told.connections).toBeGreaterThan(0);
    return told.passwords;
  }

  test.each([
    ["is its own authority", selfSigned({ names: ["127.0.0.2"] })],
    ["has another authority", stranger.sign({ names: ["127.0.0.2"] })],
    ["names another host", authority.sign({ names: ["other"] })],
    ["names the first node's address", authority.sign(here)],
  ])("is not told the password where its certificate %s", async (_, certificate) => {
    expect(await tryWith(certificate)).toEqual([]);
  });

  test("is told the password where its certificate names its address", async () => {
    expect(await tryWith(authority.sign({ names: ["127.0.0.2"] }))).toContain(PASSWORD);
  });

  test("is told the password where its certificate names a contact point's host, as that of a whole cluster does", async () => {
    const ofAll = authority.sign({ names: ["localhost"] });
    expect(await tryWith(ofAll, ofAll, "localhost")).toContain(PASSWORD);
  });
});

describe("sslOptions of the user's own", () => {
  async function passwordsTold(tls: KeyAndCertificate, sslOptions: ConnectionOptions): Promise<readonly string[]> {
    const node = await listen({ tls });
    await openWith(`127.0.0.1:${node.port}`, sslOptions).catch(() => undefined);
    return node.passwords;
  }

  test("may say which name the nodes have", async () => {
    const sslOptions = { ca: authority.cert, servername: "cassandra.internal" };
    expect(await passwordsTold(authority.sign({ names: ["cassandra.internal"] }), sslOptions)).toEqual([PASSWORD]);
    expect(await passwordsTold(authority.sign(here), sslOptions)).toEqual([]);
  });

  test("may check names in their own way", async () => {
    const asked: string[] = [];
    const checkServerIdentity = (host: string) => {
      asked.push(host);
      return undefined;
    };
    const named = authority.sign({ names: ["other"] });
    expect(await passwordsTold(named, { ca: authority.cert, checkServerIdentity })).toEqual([PASSWORD]);
    expect(asked).toEqual(["127.0.0.1", "127.0.0.1"]); // the second time with an older version of the protocol
  });

  test.each([undefined, true, 0, "false", null])("verify with rejectUnauthorized: %j", async (rejectUnauthorized) => {
    expect(await passwordsTold(selfSigned(here), { rejectUnauthorized } as ConnectionOptions)).toEqual([]);
  });

  test("may say that nothing is verified", async () => {
    expect(await passwordsTold(selfSigned({ names: [] }), { rejectUnauthorized: false })).toEqual([PASSWORD]);
  });
});

describe("the file of authorities that a URL names", () => {
  const open = (file: string) =>
    openStore(`cassandra://tasks:${PASSWORD}@127.0.0.1:1/ks?datacenter=dc1&tls=true&tlsCAFile=${file}`);

  test.each([
    ["is not there", undefined, "url: tlsCAFile can't be read: ENOENT"],
    ["is empty", "", "url: tlsCAFile holds no certificate in PEM"],
    ["holds a key only", selfSigned(here).key, "url: tlsCAFile holds no certificate in PEM"],
    [
      "holds a damaged certificate behind a good one",
      `${authority.cert}${stranger.cert.replace(/\n.{9}/, "\nAAAAAAAAA")}`,
      "url: tlsCAFile: certificate 2 can't be read",
    ],
  ])("is refused where it %s", async (_, content, message) => {
    const file = join(folder, "tried.pem");
    if (content !== undefined) await writeFile(file, content);
    await expect(open(encodeURIComponent(file))).rejects.toMatchObject({ code: "INVALID_URL", field: "url", message });
    await rm(file, { force: true });
  });

  test("may hold several", async () => {
    await writeFile(join(folder, "several.pem"), `# both\n${stranger.cert}\n${authority.cert}`);
    const node = await listen({ tls: authority.sign(here) });
    const file = encodeURIComponent(join(folder, "several.pem"));
    const url = `cassandra://tasks:${PASSWORD}@127.0.0.1:${node.port}/ks?datacenter=dc1&tls=true&tlsCAFile=${file}`;
    await expect(openStore(url)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(node.passwords).toEqual([PASSWORD]);
  });
});
