import type { EventEmitter } from "node:events";
import type { Client, ClientOptions, Host } from "cassandra-driver";

/**
 * The parts of a client of cassandra-driver 4.10 that the adapter uses though its types do not have them. Any may be missing: the
 * client may be a user's, of another version, or not the driver's.
 */
export interface Internals {
  /** The user's, with the driver's defaults. */
  readonly options?: ClientOptions;
  readonly controlConnection?: ControlConnection;
  readonly hosts?: {
    values?(): Iterable<(Host & { readonly pool?: { readonly connections?: unknown[] } }) | undefined>;
  };
}

/** Receives the events of a node. */
export interface ControlConnection extends EventEmitter {
  readonly connection?: (EventEmitter & { close?(callback: () => void): void }) | null;
  readonly host?: Host | null;
  /** Looks for a new connection. */
  _refresh?: (hosts?: Iterator<unknown>) => Promise<void>;
  /** The contact points as they were given, and the addresses of each. */
  getResolvedContactPoints?(): ReadonlyMap<string, readonly string[]>;
}

export function internalsOf(client: Client): Internals {
  return client as unknown as Internals;
}
