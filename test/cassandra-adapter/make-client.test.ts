import driver, { type Client, type ClientOptions } from "cassandra-driver";
import { describe, expect, test } from "vitest";
import { makeClient } from "../../src/adapters/cassandra/driver/client.js";

const common: ClientOptions = { contactPoints: ["127.0.0.1"], localDataCenter: "dc1" };

const optionsOf = (options: ClientOptions) =>
  (makeClient({ ...common, ...options }, driver) as Client & { options: ClientOptions }).options;

describe("the port of the nodes that a client is told of", () => {
  const portWith = (contactPoints: string[], protocolOptions?: ClientOptions["protocolOptions"]) =>
    optionsOf({ contactPoints, ...(protocolOptions && { protocolOptions }) }).protocolOptions?.port;

  test("is that of all contact points", () => {
    expect(portWith(["a:9142", "127.0.0.1:9142", "[::1]:9142"])).toBe(9142);
    expect(portWith(["a:9142"], { maxVersion: 4 })).toBe(9142);
  });

  test("is Cassandra's usual one where they have none, or several", () => {
    for (const contactPoints of [["a", "b"], ["a:9142", "b"], ["a:9142", "b:9143"], ["[::1]"], ["::1"]])
      expect(portWith(contactPoints)).toBe(9042);
  });

  test("is the one that is given", () => {
    expect(portWith(["a:9142"], { port: 9000 })).toBe(9000);
  });
});

test("an IPv6 address may stand in brackets, with a port or without", () => {
  const { contactPoints } = optionsOf({ contactPoints: ["[::1]", "::1", "[::1]:9042", "host"] });
  expect(contactPoints).toEqual(["::1", "::1", "[::1]:9042", "host"]);
});

describe("sslOptions", () => {
  test("are the user's, each of them", () => {
    const sslOptions = {
      ca: [Buffer.from("a"), "b"],
      cert: Buffer.from("c"),
      key: [{ pem: "d", passphrase: "e" }],
      secureContext: { context: {} },
      minVersion: "TLSv1.3" as const,
      checkServerIdentity: () => undefined,
    };
    const { sslOptions: kept } = optionsOf({ sslOptions });
    expect(kept).toEqual({ ...sslOptions, rejectUnauthorized: true });
    expect(kept?.secureContext).toBe(sslOptions.secureContext);
  });

  test("are none where there were none", () => {
    expect(optionsOf({}).sslOptions).toBeUndefined();
  });

  test.each([null, false, true, "require", []])("%j are refused", (sslOptions) => {
    const make = () => optionsOf({ sslOptions } as unknown as ClientOptions);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", field: "sslOptions" }));
  });

  test("are left to the bundle of a cloud", () => {
    const { contactPoints: _, ...cloud } = { ...common, cloud: { secureConnectBundle: "bundle.zip" } };
    const client = makeClient(cloud, driver) as Client & { options: ClientOptions };
    expect(client.options.sslOptions).toBeUndefined();
  });
});
