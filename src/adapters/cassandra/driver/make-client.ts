import type { Client, ClientOptions } from "cassandra-driver";
import { commonPort, parseContactPoint } from "./contact-points.js";
import type { Driver } from "./errors.js";
import { identityCheck, verifyingOptions } from "./tls.js";

/** After so many milliseconds without an answer, a second coordinator is asked. */
const SPECULATION_DELAY = 500;

/** How long a node that was lost is left alone, in milliseconds. */
const MAX_RECONNECTION_DELAY = 5_000;

/** A client by the driver's options; what they leave open is as the adapter needs it. Throws what the driver throws. */
export function makeClient(options: ClientOptions, { Client, policies }: Driver): Client {
  // Everything may be sent twice: a coordinator that hangs need not hold a request up until its time is over.
  const { ConstantSpeculativeExecutionPolicy } = policies.speculativeExecution;
  const speculativeExecution = new ConstantSpeculativeExecutionPolicy(SPECULATION_DELAY, 1);
  // By default the driver comes to wait for ten minutes before it tries again, however long the nodes have been back.
  const reconnection = new policies.reconnection.ExponentialReconnectionPolicy(250, MAX_RECONNECTION_DELAY);
  const client: Client = new Client({
    ...options,
    ...withAddresses(options),
    ...withTls(options, () => client),
    policies: { speculativeExecution, reconnection, ...options.policies },
    encoding: { ...options.encoding, useBigIntAsLong: true },
  });
  return client;
}

/** The driver looks for the nodes that it is told of on one port; if that is left open, it is that of the contact points. */
function withAddresses({ contactPoints, protocolOptions }: ClientOptions): ClientOptions {
  if (!isContactPoints(contactPoints)) return {}; // the driver says so
  const port = protocolOptions?.port ?? commonPort(contactPoints);
  return {
    contactPoints: contactPoints.map(withoutIdleBrackets),
    ...(port !== undefined && { protocolOptions: { ...protocolOptions, port } }),
  };
}

/** The driver knows `[::1]:9042` and `::1`, but not `[::1]`. */
function withoutIdleBrackets(contactPoint: string): string {
  return contactPoint.endsWith("]") ? parseContactPoint(contactPoint).host : contactPoint;
}

function withTls({ contactPoints, sslOptions, cloud }: ClientOptions, client: () => Client): ClientOptions {
  if (sslOptions === undefined || cloud !== undefined) return {}; // the cloud's bundle brings its own
  const known = isContactPoints(contactPoints) ? contactPoints : [];
  return { sslOptions: verifyingOptions(sslOptions, identityCheck(known, client)) };
}

function isContactPoints(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
