import type { Client } from "cassandra-driver";
import { internalsOf } from "./internals.js";

/** What has been changed already. */
const changed = new WeakSet<object>();

/**
 * Lets a client look for a new control connection only once at a time. If no node answered for a while, cassandra-driver 4.10
 * notices the next loss twice, and looks for a new connection twice at once; one then uses what the other has just reset, in
 * the background, where nothing catches its TypeError: the process would end.
 */
export function refreshOnce(client: Client): void {
  const { controlConnection } = internalsOf(client);
  const refresh = controlConnection?._refresh?.bind(controlConnection);
  if (controlConnection === undefined || refresh === undefined || changed.has(controlConnection)) return;
  changed.add(controlConnection);
  let refreshing: Promise<void> | undefined;
  controlConnection._refresh = (hosts) => {
    // The attempt in progress continues with the remaining hosts.
    if (hosts) return refresh(hosts);
    refreshing ??= refresh().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  };
}

/** A connection of the driver. */
interface Connection {
  /** Whether it has been set up. */
  readonly connected: boolean;
  readonly _streamIds: { inUse: number };
  /** Takes a free id for a request; null if all are in use. */
  _getStreamId(): number | null;
}

/**
 * Keeps requests from being sent on stream 0, by all clients of this client's copy of the driver. Cassandra 5.0.6, and
 * others from before the fix of CASSANDRA-21508, answer a request that has waited too long by an error on stream 0,
 * whichever stream it came on. cassandra-driver 4.10 gives it to the request that waits on stream 0, and then gives the stream
 * to two others at once: they receive each other's answers, so that a read finds nothing, and a write counts as done that was
 * not. If no request uses stream 0, the error is ignored.
 */
export function leaveStreamZero(client: Client): void {
  const { controlConnection, hosts } = internalsOf(client);
  const pooled = [...(hosts?.values?.() ?? [])].flatMap((host) => host?.pool?.connections ?? []);
  const connection = (controlConnection?.connection ?? pooled[0] ?? {}) as Partial<Connection>;
  const { _getStreamId: take, _streamIds: ids } = connection;
  const prototype = Object.getPrototypeOf(connection) as Connection;
  if (typeof take !== "function" || typeof ids?.inUse !== "number" || changed.has(prototype)) return;
  changed.add(prototype);
  prototype._getStreamId = function (this: Connection) {
    let id = take.call(this);
    // Connections are set up on stream 0: a server may also report a wrong protocol version there.
    while (id === 0 && this.connected) {
      // It is not given back. An error on stream 0 puts it there again, and is counted as the answer to the request that it refuses.
      this._streamIds.inUse--;
      id = take.call(this);
    }
    return id;
  };
}
