import { createRequire } from "node:module";
import type { Client } from "cassandra-driver";
import fc from "fast-check";
import { expect, test } from "vitest";
import { leaveStreamZero } from "../../src/adapters/cassandra/driver/workarounds.js";

type Answered = (error: Error | null, answer?: unknown) => void;

/** The driver's own connection, as far as it is used here. */
interface Connection {
  connected: boolean;
  emitDrain: boolean;
  writeQueue: object;
  sendStream(request: unknown, options: null, callback: Answered): { readonly streamId: number };
  handleResult(header: Frame, error: Error | null, answer?: unknown): void;
  freeStreamId(header: Frame): void;
  getInFlight(): number;
  on(event: "drain", listener: () => void): void;
}

interface Frame {
  readonly streamId: number;
}

const load = createRequire(import.meta.url);
const options = load("cassandra-driver/lib/client-options.js").extend({
  contactPoints: ["127.0.0.1"],
  localDataCenter: "dc1",
  pooling: { heartBeatInterval: 0 },
  socketOptions: { readTimeout: 0 },
});

/** A copy of the driver's class of its own, which nobody has changed. */
function connectionClass(): new () => Connection {
  const path = load.resolve("cassandra-driver/lib/connection.js");
  delete load.cache[path];
  const DriverConnection = load(path);
  return class extends DriverConnection {
    constructor() {
      super("127.0.0.1:9042", 4, options);
      // What is sent is written at once, to nobody.
      const writeQueue = { push: (_: unknown, written: () => void) => written() };
      Object.assign(this, { connected: true, writeQueue });
    }
  } as unknown as new () => Connection;
}

const clientOf = (internals: object) => internals as unknown as Client;
const byControlConnection = (connection: Connection) => clientOf({ controlConnection: { connection } });
const byPool = (connection: Connection) =>
  clientOf({ hosts: new Map([["a", { pool: { connections: [connection] } }]]) });

function send(connection: Connection, callback: Answered = () => undefined): number {
  return connection.sendStream({}, null, callback).streamId;
}

function answer(connection: Connection, streamId: number, value: unknown): void {
  connection.handleResult({ streamId }, null, value);
  connection.freeStreamId({ streamId });
}

/** What Cassandra sends where it refuses a request on any stream. */
function refuse(connection: Connection): void {
  connection.handleResult({ streamId: 0 }, new Error("Query timed out before it could start"));
  connection.freeStreamId({ streamId: 0 });
}

test("the driver by itself sends on stream 0: else the guard can go", () => {
  expect(send(new (connectionClass())())).toBe(0);
});

test.each([
  ["its control connection", byControlConnection],
  ["a pool", byPool],
])("no connection of a guarded client sends on stream 0, where the driver's class is found by %s", (_, clientBy) => {
  const Connection = connectionClass();
  const [first, second] = [new Connection(), new Connection()];
  leaveStreamZero(clientBy(first));
  leaveStreamZero(clientBy(second)); // another adapter
  expect([first, first, second, second].map((connection) => send(connection))).toEqual([1, 2, 1, 2]);
  expect(first.getInFlight()).toBe(2);
});

test("a connection is set up on stream 0 as before", () => {
  const Connection = connectionClass();
  const connection = new Connection();
  leaveStreamZero(byControlConnection(connection));
  connection.connected = false;
  expect(send(connection)).toBe(0);
});

test("once a client is guarded, each request gets its own answer, and what is refused is not waited for", () => {
  const step = fc.constantFrom("send", "send", "answer", "refuse", "guard");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (steps, dice) => {
      const Connection = connectionClass();
      const connection = new Connection();
      const asked: { id: number; request: number }[] = [];
      const wrong: unknown[] = [];
      let isGuarded = false;
      const guard = () => {
        leaveStreamZero(byControlConnection(connection));
        isGuarded = true;
      };
      const takeOne = () => asked.splice((dice.next().value as number) % asked.length, 1)[0];
      const happen = (what: string, request: number) => {
        if (what === "guard") guard();
        else if (what === "send") {
          const wasGuarded = isGuarded;
          const id = send(connection, (error, got) => {
            if (wasGuarded && (error || got !== request)) wrong.push({ request, got: error ?? got });
          });
          if (isGuarded && id === 0) wrong.push({ request, sentOn: id });
          asked.push({ id, request });
        } else {
          const one = takeOne();
          if (one && what === "answer") answer(connection, one.id, one.request);
          else if (one) refuse(connection);
        }
      };
      for (const [request, what] of steps.entries()) happen(what, request);
      guard();
      let drained = 0;
      connection.on("drain", () => drained++);
      connection.emitDrain = true;
      const last = send(connection);
      while (asked.length > 0) happen("answer", -1);
      answer(connection, last, "last");
      expect(wrong).toEqual([]);
      expect(connection.getInFlight()).toBe(0);
      expect(drained).toBe(1);
    }),
  );
});

const takeZero = (): number => 0;

test.each([
  {},
  { hosts: {} },
  { hosts: { values: () => [undefined, {}] } },
  { controlConnection: { connection: null } },
  { controlConnection: { connection: { _getStreamId: takeZero } } },
  { controlConnection: { connection: { _getStreamId: takeZero, _streamIds: {} } } },
])("a client of other insides is left as it is: %j", (internals) => {
  expect(() => leaveStreamZero(clientOf(internals))).not.toThrow();
});
