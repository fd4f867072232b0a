import { EventEmitter } from "node:events";
import driver, { type Client } from "cassandra-driver";
import { describe, expect, test } from "vitest";
import { listenToSchema, tellingHost } from "../../src/adapters/cassandra/driver/schema-events.js";

const NAME = "nodeSchemaChange";

/** A client with the driver's control connection, as far as it tells of changes. */
function setUp() {
  const control = Object.assign(new EventEmitter(), {
    connection: new EventEmitter(),
    host: { address: "10.0.0.1:9042" },
  });
  const client = { controlConnection: control } as unknown as Client;
  const heard: string[] = [];
  const stop = listenToSchema(client, "ks", {
    onChange: () => heard.push("change"),
    onReconnected: () => heard.push("reconnected"),
  });
  const change = (keyspace: string) => control.connection.emit(NAME, { keyspace, schemaChangeType: "DROPPED" });
  const reconnect = () => {
    control.connection = new EventEmitter();
    control.emit("newConnection", null, control.connection);
  };
  return { control, client, heard, stop, change, reconnect };
}

describe("changes to a keyspace's schema", () => {
  test("are heard of; those to others are not", () => {
    const { heard, change } = setUp();
    change("other");
    change("ks");
    expect(heard).toEqual(["change"]);
  });

  test("are heard of by the next connection, too, which may have missed some", () => {
    const { control, heard, change, reconnect } = setUp();
    const { connection } = control;
    control.emit("newConnection", new Error("no node answers"));
    expect(heard).toEqual([]);
    reconnect();
    change("ks");
    connection.emit(NAME, { keyspace: "ks" });
    expect(heard).toEqual(["reconnected", "change"]);
  });

  test("are not listened to any more once that has ended", () => {
    const { control, heard, stop, change, reconnect } = setUp();
    stop();
    expect([control.listenerCount("newConnection"), control.connection.listenerCount(NAME)]).toEqual([0, 0]);
    reconnect();
    change("ks");
    expect(heard).toEqual([]);
  });

  test("are nobody's with a client that is not the driver's", () => {
    const client = {} as Client;
    expect(() => listenToSchema(client, "ks", { onChange: () => {}, onReconnected: () => {} })()).not.toThrow();
    expect(tellingHost(client)).toEqual({});
  });

  test("are told by the node of the driver's control connection", () => {
    expect(tellingHost(setUp().client)).toEqual({ host: { address: "10.0.0.1:9042" } });
    const { controlConnection } = new driver.Client({
      contactPoints: ["127.0.0.1"],
      localDataCenter: "dc1",
    }) as unknown as { controlConnection: object };
    expect(controlConnection).toBeInstanceOf(EventEmitter);
    expect(controlConnection).toHaveProperty("host");
    expect(controlConnection).toHaveProperty("connection");
  });
});
