import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type { Adapter } from "../adapter/adapter.js";
import type { SchemaInit } from "../adapters/cassandra/index.js";
import type { CassandraAddress } from "./cassandra-url.js";
import { invalidUrl } from "./url-error.js";

/** How the schema of a store is made; only Cassandra's has a choice. */
export interface StoreSchema {
  /** How many replicas there are in the data centre of the URL, or in each of several. */
  readonly replicas: number | Readonly<Record<string, number>>;
  /** Partitions a list: a power of two up to 65,536. */
  readonly shards?: number | undefined;
  /** Whether clients in several data centres use it. False by default. */
  readonly severalDataCenters?: boolean | undefined;
}

/** The adapter of a Cassandra's URL; with a schema, makes that where it is not there yet. */
export async function cassandraAdapter(
  address: CassandraAddress,
  readOnly: boolean,
  schema: StoreSchema | undefined,
): Promise<Adapter> {
  const { CassandraAdapter } = await import("../adapters/cassandra/index.js");
  const { kind, contactPoints, tls, tlsCAFile, ...rest } = address;
  const options = { ...rest, contactPoints: [...contactPoints], ...(await tlsOptions(address)) };
  if (schema) await CassandraAdapter.createSchema({ ...options, ...schemaInit(address, schema) });
  return new CassandraAdapter({ ...options, readOnly });
}

/** The CQL that makes the schema. */
export async function describeCassandraSchema(address: CassandraAddress, schema: StoreSchema): Promise<string> {
  const { CassandraAdapter } = await import("../adapters/cassandra/index.js");
  const { keyspace, localDataCenter } = address;
  return CassandraAdapter.describeSchema({ keyspace, localDataCenter, ...schemaInit(address, schema) });
}

function schemaInit({ localDataCenter }: CassandraAddress, { replicas, ...rest }: StoreSchema): SchemaInit {
  const factors = typeof replicas === "number" ? { [localDataCenter]: replicas } : replicas;
  return { replication: { class: "NetworkTopologyStrategy", ...factors }, ...rest };
}

async function tlsOptions({ tls = false, tlsCAFile }: CassandraAddress): Promise<{ sslOptions?: ConnectionOptions }> {
  if (tls === false) return {};
  if (tls === "insecure") return { sslOptions: { rejectUnauthorized: false } };
  return { sslOptions: tlsCAFile === undefined ? {} : { ca: await readAuthorities(tlsCAFile) } };
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/** The certificates of a PEM file. Node.js passes over what it can't read, and then trusts nobody. Throws INVALID_URL. */
async function readAuthorities(path: string): Promise<string[]> {
  const text = await readFile(path, "latin1").catch((error: NodeJS.ErrnoException) => {
    throw invalidUrl(`tlsCAFile can't be read: ${error.code}`);
  });
  const certificates = text.match(PEM_CERTIFICATE) ?? [];
  if (certificates.length === 0) throw invalidUrl("tlsCAFile holds no certificate in PEM");
  for (const [index, certificate] of certificates.entries())
    if (!isCertificate(certificate)) throw invalidUrl(`tlsCAFile: certificate ${index + 1} can't be read`);
  return certificates;
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
