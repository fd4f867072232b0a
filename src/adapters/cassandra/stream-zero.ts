import type { Client } from "cassandra-driver";

/** The ids of a connection's streams that are free. */
interface StreamIds {
  inUse: number;
  push(id: number): void;
}

/** One of the driver's connections, as far as it is known here. */
interface Connection {
  /** Whether it has been set up. */
  readonly connected: boolean;
  readonly _streamIds: StreamIds;
  /** Takes the id by which a request's answer will be known; null where all are in use. */
  _getStreamId(): number | null;
}

interface Internals {
  readonly controlConnection?: { readonly connection?: Connection | null };
  readonly hosts?: { values(): readonly { readonly pool?: { readonly connections?: readonly Connection[] } }[] };
}

const guarded = new WeakSet<object>();

/**
 * Keeps requests from being sent on stream 0, by all clients of this copy of the driver. Cassandra 5.0.6, and others from
 * before the mend of CASSANDRA-21508, answer a request that has waited too long by an error on stream 0, whatever stream
 * it came on. cassandra-driver 4.10 gives that to whoever waits there, and the stream to two others at once: from then on
 * they take each other's answers for their own, so that a read finds nothing, and a write counts as done that was not.
 * Where nobody waits on stream 0, the error is nobody's.
 */
export function leaveStreamZero(client: Client): void {
  const connection = someConnection(client as unknown as Internals);
  const prototype = connection && (Object.getPrototypeOf(connection) as Connection);
  const take = prototype?._getStreamId;
  if (!prototype || !take || guarded.has(prototype)) return;
  guarded.add(prototype);
  const left = new WeakSet<StreamIds>();
  prototype._getStreamId = function (this: Connection) {
    let id = take.call(this);
    while (id === 0 && this.connected) {
      if (!left.has(this._streamIds)) forgetZero(this._streamIds);
      left.add(this._streamIds);
      id = take.call(this);
    }
    return id;
  };
}

/** Has 0 counted as not in use, and never given back: what is answered there was not asked there. */
function forgetZero(ids: StreamIds): void {
  const push = ids.push.bind(ids);
  ids.inUse--;
  ids.push = (id) => {
    if (id !== 0) push(id);
  };
}

function someConnection({ controlConnection, hosts }: Internals): Connection | undefined {
  const pooled = [...(hosts?.values() ?? [])].flatMap(({ pool }) => pool?.connections ?? []);
  return controlConnection?.connection ?? pooled[0];
}
