import fc from "fast-check";
import { isTaskError } from "taskledger";
import { openStore, parseStoreUrl } from "taskledger/store";
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
    refused("cassandra://host/ks?datacentre=dc1", 'no parameter "datacentre"; there are datacenter and tls'),
    refused("cassandra://host/ks?datacenter=dc1&tls=yes", "tls is true or false"),
    refused("cassandra://a,,b/ks?datacenter=dc1", '"" is no host, host:port, [IPv6] or [IPv6]:port'),
    refused("cassandra://host:99999/ks?datacenter=dc1", '"host:99999" is no host'),
    refused("cassandra://::1/ks?datacenter=dc1", '"::1" is no host'),
    refused("cassandra://user@host/ks?datacenter=dc1", "expected USER:PASSWORD before the @"),
    refused("cassandra://user:a/b@host/ks?datacenter=dc1", "write %40 for @, %2F for /, %3F for ? and %23 for #"),
    ["openStore", () => openStore("ledger"), "INVALID_URL", "url", '"ledger": a store is one of'],
  ]);

  const marked = fc
    .array(fc.constantFrom("zqz", ":", "@", "/", "?", "&", "=", "%", "#", ",", "[", " ", "datacenter=", "zqz@h/k?"), {
      maxLength: 8,
    })
    .map((parts) => `zqz${parts.join("")}zqz`);
  const around = fc.constantFrom(
    (password: string) => `cassandra://user:${password}@host/ks?datacenter=dc1`,
    (password: string) => `cassandra://user:${password}@host/ks`,
    (password: string) => `cassandra://user:${password}@host,[::1]:9042/ks?datacenter=dc1&tls=x`,
    (password: string) => `cassandra://:${password}@host/k-s`,
    (password: string) => `cassandra://${password}@host/ks?datacenter=dc1`,
    (password: string) => `cassandra:user:${password}@host/ks?datacenter=dc1`,
    (password: string) => `scylla://user:${password}@host/ks?datacenter=dc1`,
    (password: string) => `user:${password}@host`,
  );

  test("is never shown with its password, whatever is wrong with it", () => {
    fc.assert(
      fc.property(marked, around, (password, write) => {
        try {
          parseStoreUrl(write(password));
        } catch (error) {
          if (!isTaskError(error, "INVALID_URL")) throw error;
          expect(error.message).not.toContain("zqz");
        }
      }),
      { numRuns: 2000 },
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
});
