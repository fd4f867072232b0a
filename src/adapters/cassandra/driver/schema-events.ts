import type { Client, Host } from "cassandra-driver";
import { internalsOf } from "./internals.js";

const EVENT = "nodeSchemaChange";

export interface SchemaListener {
  /** Called when a node reports a change of the keyspace's schema. */
  onChange(): void;
  /** Called when changes may have been missed: the connection was lost and replaced. */
  onReconnected(): void;
}

/** Listens for changes of a keyspace's schema; returns a function that ends this. Does nothing for a client that is not the driver's. */
export function listenToSchema(client: Client, keyspace: string, listener: SchemaListener): () => void {
  const control = internalsOf(client).controlConnection;
  if (typeof control?.on !== "function") return () => undefined;
  const hear = (event: { readonly keyspace?: string }) => {
    if (event.keyspace === keyspace) listener.onChange();
  };
  let connection = control.connection?.on(EVENT, hear);
  const listenAgain = (error: unknown) => {
    if (error) return; // it keeps trying to connect
    connection?.removeListener(EVENT, hear);
    connection = control.connection?.on(EVENT, hear);
    listener.onReconnected();
  };
  control.on("newConnection", listenAgain);
  return () => {
    connection?.removeListener(EVENT, hear);
    control.removeListener("newConnection", listenAgain);
  };
}

/** The node that reports changes, and so has applied them; others may apply them a moment later. */
export function tellingHost(client: Client): { readonly host?: Host } {
  const host = internalsOf(client).controlConnection?.host;
  return host ? { host } : {};
}
