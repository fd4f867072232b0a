import type { EventEmitter } from "node:events";
import type { Client } from "cassandra-driver";

/** The driver's own connection, by which nodes tell it of changes, as far as it is known here. */
interface ControlConnection extends EventEmitter {
  readonly connection?: EventEmitter | null;
  readonly host?: Host | null;
}

type Host = ReturnType<ReturnType<Client["getState"]>["getConnectedHosts"]>[number];

export interface SchemaListener {
  /** A node has told of a change to the keyspace's schema. */
  onChange(): void;
  /** Changes may have been missed: the connection was lost, and there is another now. */
  onReconnected(): void;
}

/** Listens to a client's node for changes to a keyspace's schema; gives what ends it. A client that is not the driver's tells nothing. */
export function listenToSchema(client: Client, keyspace: string, listener: SchemaListener): () => void {
  const control = controlOf(client);
  if (typeof control?.on !== "function") return () => undefined;
  const hear = (event: { readonly keyspace?: string }) => {
    if (event.keyspace === keyspace) listener.onChange();
  };
  let connection: EventEmitter | null | undefined;
  const leave = () => void connection?.removeListener("nodeSchemaChange", hear);
  const listen = () => {
    leave();
    connection = control.connection;
    connection?.on("nodeSchemaChange", hear);
  };
  const listenAgain = (error: unknown) => {
    if (error) return; // it goes on looking for a connection
    listen();
    listener.onReconnected();
  };
  listen();
  control.on("newConnection", listenAgain);
  return () => {
    leave();
    control.removeListener("newConnection", listenAgain);
  };
}

/** The node that tells of changes, and so has made them; others may make them a moment later. */
export function tellingHost(client: Client): { readonly host?: Host } {
  const host = controlOf(client)?.host;
  return host ? { host } : {};
}

function controlOf(client: Client): ControlConnection | undefined {
  return (client as unknown as { controlConnection?: ControlConnection }).controlConnection;
}
