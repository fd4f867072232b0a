import { inspect } from "node:util";
import fc from "fast-check";
import { isTaskError } from "taskledger";
import { type CassandraAddress, openStore, parseStoreUrl } from "taskledger/store";
import { describe, expect, test } from "vitest";
import { type Case, testCases } from "./setup.js";

describe("a store's URL", () => {
  const parse = (url: unknown) => () => parseStoreUrl(url as string);
  const refused = (url: unknown, message: string): Case => [String(url), parse(url), "INVALID_URL", "url", message];
  testCases([
    refused(undefined, "expected a store's URL, got undefined"),
    refused(new URL("cassandra://host/ks"), "expected a store's URL, got an object (URL)"),
    refused("", "a store is one of memory:, sqlite:PATH and cassandra://HOST,…/KEYSPACE?datacenter=NAME"),
    refused("ledger", "a store is one of"),
    refused("redis://localhost", "a store is one of"),
    refused("MEMORY:", "a store is one of"),
    refused("memory://", "a store is one of"),
    refused("sqlite:", "write the file behind the colon, as in sqlite:./ledger.db"),
    refused("sqlite://ledger", "write the file behind the colon"),
    refused("sqlite:%zz", "a % must be followed by two hexadecimal digits"),
    refused("cassandra:host/ks", "expected cassandra://HOST,HOST/KEYSPACE?datacenter=NAME"),
    refused("cassandra://host", "expected cassandra://HOST,HOST/KEYSPACE?datacenter=NAME"),
    refused("cassandra://host/?datacenter=dc1", "the keyspace must be 1 to 48 letters, digits and underscores"),
    refused("cassandra://host/a-b?datacenter=dc1", "the keyspace must be"),
    refused("cassandra://host/ks", "name the data centre of this host: ?datacenter=datacenter1"),
    refused("cassandra://host/ks?datacentre=dc1", "parameter 1 is none of datacenter, tls, tlsCAFile"),
    refused("cassandra://host/ks?datacenter=dc1&ca=x", "parameter 2 is none of datacenter, tls, tlsCAFile"),
    refused("cassandra://host/ks?datacenter=dc1&datacenter=dc1", "datacenter is given twice"),
    refused("cassandra://host/ks?datacenter=dc1&tls=true&tls=insecure", "tls is given twice"),
    refused("cassandra://host/ks?datacenter=dc1&tls=yes", "tls is true, false or insecure"),
    refused("cassandra://host/ks?datacenter=dc1&tls=", "tls is true, false or insecure"),
    refused("cassandra://host/ks?datacenter=dc1&tlsCAFile=ca.pem", "tlsCAFile is for tls=true"),
    refused("cassandra://host/ks?datacenter=dc1&tls=false&tlsCAFile=ca.pem", "tlsCAFile is for tls=true"),
    refused("cassandra://host/ks?datacenter=dc1&tls=insecure&tlsCAFile=ca.pem", "tlsCAFile is for tls=true"),
    refused("cassandra://host/ks?datacenter=dc1&tls=true&tlsCAFile=", "tlsCAFile names no file"),
    refused("cassandra://a,,b/ks?datacenter=dc1", "host 2 is not a host, host:port, [IPv6] or [IPv6]:port"),
    refused("cassandra://host:99999/ks?datacenter=dc1", "host 1 is not a host"),
    refused("cassandra://::1/ks?datacenter=dc1", "host 1 is not a host"),
    refused("cassandra://user:password", "expected cassandra://HOST,HOST/KEYSPACE?datacenter=NAME"),
    refused("cassandra://user@host/ks?datacenter=dc1", "expected USER:PASSWORD before the @"),
    refused("cassandra://user:a/b@host/ks?datacenter=dc1", "write %40 for @, %2F for /, %3F for ? and %23 for #"),
    ["openStore", () => openStore("ledger"), "INVALID_URL", "url", "url: a store is one of"],
  ]);

  /** Text that a secret may hold, with a mark in it that no message has of its own. */
  const secrets = fc
    .array(fc.constantFrom("zqz", ":", "@", "/", "?", "&", "=", "%", "#", ",", "[", " ", "datacenter=", "zqz@h/k?"), {
      maxLength: 8,
    })
    .map((parts) => `zqz${parts.join("")}zqz`);
  const before = fc.constantFrom(
    "",
    "u:",
    "zqz:u:",
    "memory:",
    "lmdb://",
    "lmdb:%",
    "cassandra:",
    "cassandra:u:",
    "cassandra://",
    "cassandra://:",
    "cassandra://u:",
    "cassandra://u:9042/",
    "cassandra://u:p@",
    "cassandra://u:p@host,",
    "cassandra://host/",
    "cassandra://host/ks#",
    "cassandra://host/ks?",
    "cassandra://host/ks?password=",
    "cassandra://host/ks?datacenter=dc1&password=",
    "cassandra://host/ks?datacenter=dc1&tls=",
    "cassandra://host/ks?datacenter=dc1&tlsCAFile=",
    "cassandra://host/ks?datacenter=dc1&datacenter=",
    "scylla://u:",
  );
  const after = fc.constantFrom(
    "",
    "@host",
    "@host/ks",
    "@host/ks?datacenter=dc1",
    "@host,[::1]:9042/ks?datacenter=dc1&tls=x",
    "@host/k-s",
    "/ks",
    "/ks?datacenter=dc1",
    "=1",
    "&tls=true&datacenter=dc1",
  );

  test("is never shown where it is refused: any part of it may be one of a password", () => {
    fc.assert(
      fc.property(before, secrets, after, (...parts) => {
        try {
          parseStoreUrl(parts.join(""));
        } catch (error) {
          if (!isTaskError(error, "INVALID_URL")) throw error;
          const shown = [
            error.message,
            String(error.cause),
            error.stack,
            inspect(error, { depth: null, showHidden: true }),
          ];
          expect(shown.join()).not.toContain("zqz");
        }
      }),
      { numRuns: 5000 },
    );
  });

  test("that is right is read", () => {
    expect(parseStoreUrl("memory:")).toEqual({ kind: "memory" });
    expect(parseStoreUrl("sqlite:./a%20b.db")).toEqual({ kind: "sqlite", path: "./a b.db" });
    expect(parseStoreUrl("cassandra://u%40:p%3A%2F@a,b:9043,[::1]:9044/ks_1?datacenter=dc%201&tls=true")).toEqual({
      kind: "cassandra",
      contactPoints: ["a", "b:9043", "[::1]:9044"],
      keyspace: "ks_1",
      localDataCenter: "dc 1",
      credentials: { username: "u@", password: "p:/" },
      tls: true,
    });
  });

  test.each([
    ["tls=true", { tls: true }],
    ["tls=false", { tls: false }],
    ["tls=insecure", { tls: "insecure" }],
    ["tls=true&tlsCAFile=/etc/my%20ca.pem", { tls: true, tlsCAFile: "/etc/my ca.pem" }],
  ])("says how Cassandra's nodes are verified: %s", (query, tls) => {
    const { kind, contactPoints, keyspace, localDataCenter, ...rest } = parseStoreUrl(
      `cassandra://a/ks?datacenter=dc1&${query}`,
    ) as CassandraAddress;
    expect(rest).toEqual(tls);
  });
});
