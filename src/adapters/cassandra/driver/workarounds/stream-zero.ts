import type { Client } from "cassandra-driver";
import { type DriverConnection, type Internals, internalsOf, type StreamIds } from "../internals.js";

const guarded = new WeakSet<object>();

/**
 * Keeps requests from being sent on stream 0, by all clients of this client's copy of the driver. Cassandra 5.0.6, and
 * others from before the fix of CASSANDRA-21508, answer a request that has waited too long by an error on stream 0,
 * whichever stream it came on. cassandra-driver 4.10 gives it to the request that waits on stream 0, and then gives the stream
 * to two others at once: they receive each other's answers, so that a read finds nothing, and a write counts as done that was
 * not. If no request uses stream 0, the error is ignored.
 */
export function leaveStreamZero(client: Client): void {
  const connection = someConnection(internalsOf(client));
  if (!isKnown(connection)) return;
  const prototype = Object.getPrototypeOf(connection) as DriverConnection;
  if (guarded.has(prototype)) return;
  guarded.add(prototype);
  const take = prototype._getStreamId;
  prototype._getStreamId = function (this: DriverConnection) {
    let id = take.call(this);
    // Connections are set up on stream 0: a server may also report a wrong protocol version there.
    while (id === 0 && this.connected) {
      passOverZero(this._streamIds);
      id = take.call(this);
    }
    return id;
  };
}

const passing = new WeakSet<StreamIds>();

/**
 * Removes 0 from the ids for good. An error on stream 0 lowers `inUse`, like an answer: the request that it refuses gets no
 * other.
 */
function passOverZero(ids: StreamIds): void {
  ids.inUse--;
  if (passing.has(ids)) return;
  passing.add(ids);
  const push = ids.push.bind(ids);
  ids.push = (id) => {
    if (id === 0) ids.inUse--;
    else push(id);
  };
}

function someConnection({ controlConnection, hosts }: Internals): unknown {
  const pooled = [...(hosts?.values?.() ?? [])].flatMap((host) => host?.pool?.connections ?? []);
  return controlConnection?.connection ?? pooled[0];
}

function isKnown(connection: unknown): connection is DriverConnection {
  const { _getStreamId, _streamIds } = (connection ?? {}) as Partial<DriverConnection>;
  return (
    typeof _getStreamId === "function" && typeof _streamIds?.push === "function" && typeof _streamIds.inUse === "number"
  );
}
