import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { openStore } from "taskledger/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { missingForJars } from "../support/cassandra/jars.js";
import { type CassandraNode, startNode } from "../support/cassandra/node.js";
import { freePort } from "../support/cassandra/ports.js";
import { CertificateAuthority } from "./certificates.js";

// What docs/cassandra.md says under "TLS and passwords", of a node that asks for both.

const missing = await missingForJars();
const reason = missing ? ` (skipped: ${missing})` : "";
const address = "127.0.0.41";
const authority = new CertificateAuthority("the authority");
let dir: string;
let node: CassandraNode;

beforeAll(async () => {
  if (missing !== undefined) return;
  dir = await mkdtemp(join(tmpdir(), "taskledger-tls-"));
  const { key, cert } = authority.sign({ names: [address] });
  const keystore = join(dir, "node.pem");
  await writeFile(keystore, key + cert);
  await writeFile(join(dir, "ca.pem"), authority.cert);
  node = await startNode({
    address,
    seeds: [address],
    dir: join(dir, "node"),
    port: await freePort([address]),
    storagePort: await freePort([address]),
    temporary: true,
    settings: {
      authenticator: "PasswordAuthenticator",
      client_encryption_options: {
        enabled: true,
        optional: false,
        keystore,
        ssl_context_factory: { class_name: "org.apache.cassandra.security.PEMBasedSslContextFactory" },
      },
    },
  });
}, 180_000);
afterAll(async () => {
  await node?.kill("SIGKILL");
  if (dir) await rm(dir, { recursive: true, force: true });
});

function open(query: string, password = "cassandra") {
  const url = `cassandra://cassandra:${password}@${node.contactPoint}/tls?datacenter=datacenter1${query}`;
  return openStore(url, { createSchema: { replicas: 1 } });
}

const verified = () => `&tls=true&tlsCAFile=${encodeURIComponent(join(dir, "ca.pem"))}`;

describe.skipIf(missing)(`a node with TLS and passwords${reason}`, { timeout: 120_000 }, () => {
  test("keeps tasks for who names its authority", async () => {
    // The node makes its first user a moment after it answers.
    await expect.poll(() => open(verified()).then((adapter) => adapter.close()), { timeout: 30_000 }).toBeUndefined();
    await using tasks = new DataInterface({ types: [FetchFileTask], adapter: await open(verified()) });
    await tasks.create(FetchFileTask, { taskList: "list", id: "id" });
    const task = (await tasks.find("list", "id")) as FetchFileTask;
    await task.complete();
    expect(await tasks.find("list", "id")).toBeUndefined();
  });

  test.each([
    ["that does not know its authority", "&tls=true", /unable to verify|self-signed/],
    ["without TLS", "", /Socket was closed|ECONNRESET|handshake/],
  ])("is not used by a client %s", async (_, query, message) => {
    await expect(open(query)).rejects.toMatchObject({ code: "UNAVAILABLE", message: expect.stringMatching(message) });
  });

  test("refuses another password, in words that do not hold it", async () => {
    const error = await open(verified(), "mellon").catch((error) => error);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/password/) });
    expect(`${error.stack}${error.cause?.stack}`).not.toContain("mellon");
  });
});
