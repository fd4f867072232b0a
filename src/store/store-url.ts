import { describeValue } from "../core/errors.js";
import { type CassandraAddress, parseCassandraUrl } from "./cassandra-url.js";
import { decodeUrlPart, invalidUrl } from "./url-error.js";

export type { CassandraAddress } from "./cassandra-url.js";

export interface MemoryAddress {
  readonly kind: "memory";
}

export interface SqliteAddress {
  readonly kind: "sqlite";
  /** The file. */
  readonly path: string;
}

export type StoreAddress = MemoryAddress | SqliteAddress | CassandraAddress;

/** Reads the URL of a store. Throws INVALID_URL; no error holds any part of the URL, which may be one of a password. */
export function parseStoreUrl(url: string): StoreAddress {
  if (typeof url !== "string") throw invalidUrl(`expected a store's URL, got ${describeValue(url)}`);
  const [, scheme, rest] = /^([a-z]+):(.*)$/su.exec(url) ?? [];
  if (scheme === "memory" && rest === "") return { kind: "memory" };
  if (scheme === "sqlite") return parseSqlite(rest as string);
  if (scheme === "cassandra") return parseCassandraUrl(rest as string);
  throw invalidUrl("a store is one of memory:, sqlite:PATH and cassandra://HOST,…/KEYSPACE?datacenter=NAME");
}

function parseSqlite(path: string): SqliteAddress {
  if (path === "" || path.startsWith("//"))
    throw invalidUrl("write the file behind the colon, as in sqlite:./ledger.db");
  return { kind: "sqlite", path: decodeUrlPart(path) };
}
