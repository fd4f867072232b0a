import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Client, ClientOptions } from "cassandra-driver";
import { invalidArgument } from "../../../core/errors.js";
import { isPlainObject } from "../../../core/values.js";
import { parseContactPoint } from "./contact-points.js";
import type { Driver } from "./errors.js";
import { internalsOf } from "./internals.js";

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

function withAddresses({ contactPoints, protocolOptions }: ClientOptions): ClientOptions {
  // The driver would wait for schema agreement after each change, in steps of half a second; here it is awaited once.
  const protocol = { maxSchemaAgreementWaitSeconds: 0, ...protocolOptions };
  if (!isContactPoints(contactPoints)) return { protocolOptions: protocol }; // the driver reports it
  // The driver uses one port for discovered nodes; by default that of the contact points, if it is the same for all.
  const [first, ...others] = new Set(contactPoints.map((text) => parseContactPoint(text).port));
  const port = protocol.port ?? (others.length === 0 ? first : undefined);
  return {
    // The driver knows `[::1]:9042` and `::1`, but not `[::1]`.
    contactPoints: contactPoints.map((text) => (text.endsWith("]") ? parseContactPoint(text).host : text)),
    protocolOptions: port === undefined ? protocol : { ...protocol, port },
  };
}

function isContactPoints(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

/** Nodes are verified before anything is sent to them. cassandra-driver alone accepts any certificate. */
function withTls({ contactPoints, sslOptions, cloud }: ClientOptions, client: () => Client): ClientOptions {
  if (sslOptions === undefined || cloud !== undefined) return {}; // the cloud's bundle contains its own
  if (!isPlainObject(sslOptions)) throw invalidArgument("sslOptions", "an object such as { ca }", sslOptions);
  const known = isContactPoints(contactPoints) ? contactPoints : [];
  const { rejectUnauthorized, checkServerIdentity: own } = sslOptions as ConnectionOptions;
  return {
    sslOptions: {
      ...sslOptions,
      rejectUnauthorized: rejectUnauthorized !== false,
      checkServerIdentity: own ?? identityCheck(known, client),
    },
  };
}

/**
 * Checks the names in a node's certificate. The driver knows nodes only by address: it resolves the names of contact points,
 * and discovers the other nodes. So the certificate must have the name of any contact point, since all nodes are trusted
 * alike; or the node's address, if the user wrote it or a node reported it, but not if it came from DNS, which is not trusted.
 */
function identityCheck(contactPoints: readonly string[], client: () => Client | undefined) {
  const hosts = contactPoints.map((text) => parseContactPoint(text).host);
  const ofUser = hosts.filter((host) => !isIP(host));
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    if (!isIP(host)) return checkServerIdentity(host, certificate); // `servername` of the user's own
    const isTrusted = ofUser.length === 0 || hosts.includes(host) || !isFromDns(host, client());
    const names = isTrusted ? [host, ...ofUser] : ofUser;
    if (names.some((name) => checkServerIdentity(name, certificate) === undefined)) return undefined;
    const message = `its certificate is not for ${names.join(" or ")}; it names ${certificate.subjectaltname ?? "no host"}`;
    return Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  };
}

/** Whether an address is one that a contact point's name has. True if that can't be known. */
function isFromDns(address: string, client: Client | undefined): boolean {
  const resolved = client && internalsOf(client).controlConnection?.getResolvedContactPoints?.();
  if (resolved === undefined) return true;
  return [...resolved].some(
    ([text, endpoints]) =>
      !isIP(parseContactPoint(text).host) && endpoints.some((endpoint) => parseContactPoint(endpoint).host === address),
  );
}
