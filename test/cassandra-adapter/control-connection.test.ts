import { setImmediate } from "node:timers/promises";
import driver, { type Client } from "cassandra-driver";
import { expect, test } from "vitest";
import { refreshOnce } from "../../src/adapters/cassandra/driver/workarounds.js";

interface Control {
  _refresh(): Promise<void>;
}

/** The driver's own control connection, which finds a node at once, and hears of the next loss just before it listens. */
function setUp(guard: (client: Client) => void = () => undefined) {
  const client = new driver.Client({ contactPoints: ["127.0.0.1"], localDataCenter: "dc1" });
  const { controlConnection: control } = client as unknown as { controlConnection: Control };
  const listening: unknown[] = [];
  const found = { host: { address: "127.0.0.1" }, connection: { endpointFriendlyName: "127.0.0.1" } };
  let second: Promise<void> | undefined;
  Object.assign(control, {
    _refreshControlConnection: async () => {
      if (second) await setImmediate(); // it is not found at once
      Object.assign(control, found);
    },
    _refreshHosts: async () => undefined,
    _registerToConnectionEvents: async () => {
      second ??= control._refresh();
    },
    _setHealthListeners: (host: object | null) => {
      if (host === null) throw new TypeError("Cannot read properties of null (reading 'once')");
      listening.push(host);
    },
  });
  guard(client);
  /** Two losses of nodes, the second noticed while the driver looks for a new connection because of the first. */
  const loseTwo = async () => {
    const [first] = await Promise.allSettled([control._refresh()]);
    return [first, ...(await Promise.allSettled([second]))].map(({ status }) => status);
  };
  return { control, listening, loseTwo };
}

test("the driver by itself fails where it looks for a control connection twice at once: else the guard can go", async () => {
  expect(await setUp().loseTwo()).toContain("rejected");
});

test("a client that an adapter or two use looks for it once at a time, and again when it is lost later", async () => {
  const { control, listening, loseTwo } = setUp((client) => {
    refreshOnce(client);
    refreshOnce(client);
  });
  expect(await loseTwo()).toEqual(["fulfilled", "fulfilled"]);
  expect(listening).toHaveLength(1);
  await control._refresh();
  expect(listening).toHaveLength(2);
});
