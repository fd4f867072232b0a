import { describeValue } from "../core/errors.js";
import { type CassandraAddress, parseCassandraUrl } from "./cassandra-url.js";
import { decodeUrlPart, invalidUrl } from "./url-error.js";

export type { CassandraAddress } from "./cassandra-url.js";

/** The URL `memory:`. */
export interface MemoryAddress {
  /** The kind of store. */
  readonly kind: "memory";
}

/** What the URL of an SQLite database says. */
export interface SqliteAddress {
  /** The kind of store. */
  readonly kind: "sqlite";
  /** The path of the file. */
  readonly path: string;
}

/** What the URL of a store says; `kind` tells which store it is. */
export type StoreAddress = MemoryAddress | SqliteAddress | CassandraAddress;

/**
 * Parses the URL of a store. Error messages contain no part of the URL, since it may be part of a password.
 *
 * @throws `TaskError` INVALID_URL
 */
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
