import { describeValue, TaskError } from "./errors.js";

export interface MemoryAddress {
  readonly kind: "memory";
}

export interface SqliteAddress {
  readonly kind: "sqlite";
  /** The file. */
  readonly path: string;
}

export interface CassandraAddress {
  readonly kind: "cassandra";
  /** `host` or `host:port`, an IPv6 address in brackets. */
  readonly contactPoints: readonly string[];
  readonly keyspace: string;
  readonly localDataCenter: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly tls?: boolean;
}

export type StoreAddress = MemoryAddress | SqliteAddress | CassandraAddress;

/**
 * Reads the URL of a store. Not by WHATWG's rules, which allow one host only. Throws INVALID_URL; the message does not
 * hold the password.
 */
export function parseStoreUrl(url: string): StoreAddress {
  if (typeof url !== "string")
    throw new TaskError("INVALID_URL", `expected a store's URL, got ${describeValue(url)}`, { field: "url" });
  const [, scheme, rest] = /^([a-z]+):(.*)$/su.exec(url) ?? [];
  if (scheme === "memory" && rest === "") return { kind: "memory" };
  if (scheme === "sqlite") return parseSqlite(url, rest as string);
  if (scheme === "cassandra") return parseCassandra(url, rest as string);
  throw invalid(url, "a store is one of memory:, sqlite:PATH and cassandra://HOST,…/KEYSPACE?datacenter=NAME");
}

function parseSqlite(url: string, path: string): SqliteAddress {
  if (path === "" || path.startsWith("//"))
    throw invalid(url, "write the file behind the colon, as in sqlite:./ledger.db");
  return { kind: "sqlite", path: decode(url, path) };
}

function parseCassandra(url: string, rest: string): CassandraAddress {
  const match = /^\/\/(?:([^/?#]*)@)?([^@/?#]+)\/([^/?#]*)(?:\?([^#]*))?$/su.exec(rest);
  if (match === null) throw invalid(url, formOf(rest));
  const [, user, hosts, keyspace, query] = match as unknown as [string, string?, string?, string?, string?];
  // Before anything of it is shown: what looks like a host, a keyspace or a query may be a part of the password.
  if (`${keyspace}${query}`.includes("@")) throw invalid(url, formOf(rest));
  if (!/^\w{1,48}$/.test(keyspace as string))
    throw invalid(url, "the keyspace must be 1 to 48 letters, digits and underscores");
  const { datacenter, tls } = parseQuery(url, query ?? "");
  if (!datacenter) throw invalid(url, "name the data centre of this host: ?datacenter=datacenter1");
  return {
    kind: "cassandra",
    contactPoints: (hosts as string).split(",").map((host) => checkHost(url, host)),
    keyspace: keyspace as string,
    localDataCenter: datacenter,
    ...(user !== undefined && { credentials: parseCredentials(url, user) }),
    ...(tls !== undefined && { tls: parseBoolean(url, tls) }),
  };
}

function formOf(rest: string): string {
  const form = "expected cassandra://HOST,HOST/KEYSPACE?datacenter=NAME";
  if (!rest.includes("@")) return form;
  return `${form}; in the user and the password, write %40 for @, %2F for /, %3F for ? and %23 for #`;
}

function checkHost(url: string, host: string): string {
  const match = /^(?:\[[\da-fA-F:.%]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(host);
  if (match === null || Number(match[1] ?? 9042) > 65_535)
    throw invalid(url, `${describeValue(host)} is no host, host:port, [IPv6] or [IPv6]:port`);
  return host;
}

function parseCredentials(url: string, user: string): { username: string; password: string } {
  const colon = user.indexOf(":");
  if (colon < 1) throw invalid(url, "expected USER:PASSWORD before the @");
  return { username: decode(url, user.slice(0, colon)), password: decode(url, user.slice(colon + 1)) };
}

const parameters = ["datacenter", "tls"] as const;

function parseQuery(url: string, query: string): { datacenter?: string; tls?: string } {
  const found: { datacenter?: string; tls?: string } = {};
  for (const part of query.split("&").filter((each) => each !== "")) {
    const [name, value = ""] = part.split(/=(.*)/s) as [string, string?];
    const known = parameters.find((each) => each === name);
    if (known === undefined)
      throw invalid(url, `no parameter ${describeValue(name)}; there are ${parameters.join(" and ")}`);
    found[known] = decode(url, value);
  }
  return found;
}

function parseBoolean(url: string, value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw invalid(url, "tls is true or false");
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(url, "a % must be followed by two hexadecimal digits; write %25 for the character itself");
  }
}

function invalid(url: string, reason: string): TaskError {
  return new TaskError("INVALID_URL", `${JSON.stringify(withoutPassword(url))}: ${reason}`, { field: "url" });
}

/** Takes out all before the last @, whatever else is wrong with the URL. */
function withoutPassword(url: string): string {
  return url.replace(/^([a-z]*:\/\/)?.*@/su, "$1***@");
}
