import type { Client, ClientOptions } from "cassandra-driver";
import { commonPort, parseContactPoint } from "./contact-points.js";
import type { Driver } from "./errors.js";
import { identityCheck, verifyingOptions } from "./tls.js";

/** Delay without an answer after which a second coordinator is asked, in milliseconds. */
const SPECULATION_DELAY = 500;

/** Delay before reconnecting to a lost node, in milliseconds. */
const MAX_RECONNECTION_DELAY = 5_000;

/** A client with the driver's options, and the adapter's defaults. Throws what the driver throws. */
export function makeClient(options: ClientOptions, { Client, policies }: Driver): Client {
  // Idempotent statements may go to a second coordinator: one that hangs must not delay a request until its timeout.
  const { ConstantSpeculativeExecutionPolicy } = policies.speculativeExecution;
  const speculativeExecution = new ConstantSpeculativeExecutionPolicy(SPECULATION_DELAY, 1);
  // By default the driver waits up to ten minutes before it reconnects, even if the nodes have been back for long.
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

/** The driver uses one port for discovered nodes; by default that of the contact points. */
function withAddresses({ contactPoints, protocolOptions }: ClientOptions): ClientOptions {
  // The driver would wait for schema agreement after each change, in steps of half a second; here it is awaited once.
  const protocol = { maxSchemaAgreementWaitSeconds: 0, ...protocolOptions };
  if (!isContactPoints(contactPoints)) return { protocolOptions: protocol }; // the driver reports it
  const port = protocol.port ?? commonPort(contactPoints);
  return {
    contactPoints: contactPoints.map(withoutIdleBrackets),
    protocolOptions: port === undefined ? protocol : { ...protocol, port },
  };
}

/** The driver knows `[::1]:9042` and `::1`, but not `[::1]`. */
function withoutIdleBrackets(contactPoint: string): string {
  return contactPoint.endsWith("]") ? parseContactPoint(contactPoint).host : contactPoint;
}

function withTls({ contactPoints, sslOptions, cloud }: ClientOptions, client: () => Client): ClientOptions {
  if (sslOptions === undefined || cloud !== undefined) return {}; // the cloud's bundle contains its own
  const known = isContactPoints(contactPoints) ? contactPoints : [];
  return { sslOptions: verifyingOptions(sslOptions, identityCheck(known, client)) };
}

function isContactPoints(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
