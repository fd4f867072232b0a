import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from "node:tls";
import type { Client } from "cassandra-driver";
import { invalidArgument } from "../../../core/errors.js";
import { isPlainObject } from "../../../core/values.js";
import { parseContactPoint } from "./contact-points.js";
import { internalsOf } from "./internals.js";

/** What is wrong with a node's certificate; undefined if nothing is. */
export type CheckIdentity = (host: string, certificate: PeerCertificate) => Error | undefined;

/**
 * The user's options of TLS, which verify a node before anything is sent to it. cassandra-driver alone accepts any
 * certificate, unless `rejectUnauthorized` is true.
 */
export function verifyingOptions(sslOptions: unknown, checkIdentity: CheckIdentity): ConnectionOptions {
  if (!isPlainObject(sslOptions)) throw invalidArgument("sslOptions", "an object such as { ca }", sslOptions);
  const { rejectUnauthorized, checkServerIdentity: own } = sslOptions as ConnectionOptions;
  return {
    ...sslOptions,
    rejectUnauthorized: rejectUnauthorized !== false,
    checkServerIdentity: own ?? checkIdentity,
  };
}

/**
 * Checks the names in a node's certificate. The driver knows nodes only by address: it resolves the names of contact points,
 * and discovers the other nodes. So the certificate must have the name of any contact point, since all nodes are trusted
 * alike; or the node's address, if the user wrote it or a node reported it, but not if it came from DNS, which is not trusted.
 */
export function identityCheck(contactPoints: readonly string[], client: () => Client | undefined): CheckIdentity {
  const hosts = contactPoints.map((text) => parseContactPoint(text).host);
  const names = hosts.filter((host) => !isIP(host));
  return (host, certificate) => {
    if (!isIP(host)) return checkServerIdentity(host, certificate); // `servername` of the user's own
    const isTrusted = names.length === 0 || hosts.includes(host) || !isFromDns(host, client());
    return checkNames(isTrusted ? [host, ...names] : names, certificate);
  };
}

function checkNames(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  if (names.some((name) => checkServerIdentity(name, certificate) === undefined)) return undefined;
  const message = `its certificate is not for ${names.join(" or ")}; it names ${certificate.subjectaltname ?? "no host"}`;
  return Object.assign(new Error(message), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}

/** Whether an address is one that a contact point's name has. True if that can't be known. */
function isFromDns(address: string, client: Client | undefined): boolean {
  const resolved = client && internalsOf(client).controlConnection?.getResolvedContactPoints?.();
  if (resolved === undefined) return true;
  const isNamed = ([text, endpoints]: readonly [string, readonly string[]]) =>
    !isIP(parseContactPoint(text).host) && endpoints.some((endpoint) => parseContactPoint(endpoint).host === address);
  return [...resolved].some(isNamed);
}

const unknownAuthority: ReadonlySet<unknown> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Advice for an error of TLS; empty if there is none. */
export function tlsAdvice(error: unknown): string {
  if (!unknownAuthority.has((error as { code?: unknown } | null)?.code)) return "";
  return "; name the certificate of its authority: tlsCAFile in a URL, sslOptions.ca";
}
