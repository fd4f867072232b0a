import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import type { Adapter } from "../adapter/adapter.js";
import { CassandraAdapter, type SchemaInit } from "../adapters/cassandra/index.js";
import type { CassandraAddress } from "./cassandra-url.js";
import { invalidUrl } from "./url-error.js";

/** How the schema of a store is created; only Cassandra has options. */
export interface StoreSchema {
  /** Number of replicas in the data centre of the URL, or in each of several data centres, by name. */
  readonly replicas: number | Readonly<Record<string, number>>;
  /** Number of partitions per list: a power of two, at most 65,536. @defaultValue 2 */
  readonly shards?: number | undefined;
  /** Whether clients in several data centres use it. @defaultValue false */
  readonly severalDataCenters?: boolean | undefined;
}

/** The adapter for a URL of Cassandra; with a schema, creates it if it does not exist. */
export async function cassandraAdapter(
  address: CassandraAddress,
  readOnly: boolean,
  schema: StoreSchema | undefined,
): Promise<Adapter> {
  const { kind, contactPoints, tls, tlsCAFile, ...rest } = address;
  const options = { ...rest, contactPoints: [...contactPoints], ...(await tlsOptions(address)) };
  if (schema) await CassandraAdapter.createSchema({ ...options, ...schemaInit(address, schema) });
  return new CassandraAdapter({ ...options, readOnly });
}

/** The CQL that creates the schema. */
export function describeCassandraSchema(address: CassandraAddress, schema: StoreSchema): string {
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

/** The certificates of a PEM file. Throws INVALID_URL if one can't be read: Node.js would ignore it, and trust nobody. */
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
