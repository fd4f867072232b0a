import { decodeUrlPart, invalidUrl } from "./url-error.js";

/** What the URL of a Cassandra cluster says. */
export interface CassandraAddress {
  /** The kind of store. */
  readonly kind: "cassandra";
  /** `host` or `host:port`, an IPv6 address in brackets. */
  readonly contactPoints: readonly string[];
  /** The keyspace of the ledger: 1 to 48 letters, digits and underscores. */
  readonly keyspace: string;
  /** The data centre of this host. */
  readonly localDataCenter: string;
  /** The user to log in as; absent if the URL names none. */
  readonly credentials?: {
    /** The user's name. */
    readonly username: string;
    /** The user's password. */
    readonly password: string;
  };
  /** Whether connections are encrypted; `"insecure"`: encrypted, without verifying certificates. @defaultValue false */
  readonly tls?: boolean | "insecure";
  /** The PEM file of the trusted certificate authorities. @defaultValue those that Node.js trusts */
  readonly tlsCAFile?: string;
}

const FORM = "expected cassandra://HOST,HOST/KEYSPACE?datacenter=NAME";
const ESCAPES = "in the user and the password, write %40 for @, %2F for /, %3F for ? and %23 for #";

/** Parses the part after `cassandra:`, not by WHATWG's rules, which allow only one host. Throws INVALID_URL. */
export function parseCassandraUrl(rest: string): CassandraAddress {
  const match = /^\/\/(?:([^/?#]*)@)?([^@/?#]+)\/([^/?#]*)(?:\?([^#]*))?$/su.exec(rest);
  if (match === null) throw invalidUrl(rest.includes("@") ? `${FORM}; ${ESCAPES}` : FORM);
  const [, user, hosts, keyspace, query = ""] = match as unknown as [string, string?, string?, string?, string?];
  // It may be the part of a password after a / or a ?.
  if (`${keyspace}${query}`.includes("@")) throw invalidUrl(`${FORM}; ${ESCAPES}`);
  if (!/^\w{1,48}$/.test(keyspace as string))
    throw invalidUrl("the keyspace must be 1 to 48 letters, digits and underscores");
  const { datacenter, tls, tlsCAFile } = parseQuery(query);
  if (!datacenter) throw invalidUrl("name the data centre of this host: ?datacenter=datacenter1");
  return {
    kind: "cassandra",
    contactPoints: (hosts as string).split(",").map(checkHost),
    keyspace: keyspace as string,
    localDataCenter: datacenter,
    ...(user !== undefined && { credentials: parseCredentials(user) }),
    ...parseTls(tls, tlsCAFile),
  };
}

function checkHost(host: string, index: number): string {
  const match = /^(?:\[[\da-fA-F:.%]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(host);
  if (match === null || Number(match[1] ?? 9042) > 65_535)
    throw invalidUrl(`host ${index + 1} is not a host, host:port, [IPv6] or [IPv6]:port`);
  return host;
}

function parseCredentials(user: string): { username: string; password: string } {
  const colon = user.indexOf(":");
  if (colon < 1) throw invalidUrl("expected USER:PASSWORD before the @");
  return { username: decodeUrlPart(user.slice(0, colon)), password: decodeUrlPart(user.slice(colon + 1)) };
}

const parameters = ["datacenter", "tls", "tlsCAFile"] as const;

type Parameters = { [name in (typeof parameters)[number]]?: string };

function parseQuery(query: string): Parameters {
  const found: Parameters = {};
  for (const [index, part] of query.split("&").entries()) {
    if (part === "") continue;
    const [name, value = ""] = part.split(/=(.*)/s) as [string, string?];
    const known = parameters.find((each) => each === name);
    if (known === undefined) throw invalidUrl(`parameter ${index + 1} is none of ${parameters.join(", ")}`);
    if (known in found) throw invalidUrl(`${known} is given twice`);
    found[known] = decodeUrlPart(value);
  }
  return found;
}

function parseTls(tls: string | undefined, tlsCAFile: string | undefined): Pick<CassandraAddress, "tls" | "tlsCAFile"> {
  const mode = tls === undefined ? undefined : tlsModes.get(tls);
  if (tls !== undefined && mode === undefined) throw invalidUrl("tls is true, false or insecure");
  if (tlsCAFile !== undefined && mode !== true) throw invalidUrl("tlsCAFile is for tls=true");
  if (tlsCAFile === "") throw invalidUrl("tlsCAFile names no file");
  return { ...(mode !== undefined && { tls: mode }), ...(tlsCAFile !== undefined && { tlsCAFile }) };
}

const tlsModes = new Map<string, boolean | "insecure">([
  ["true", true],
  ["false", false],
  ["insecure", "insecure"],
]);
