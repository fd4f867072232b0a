import { isIPv4 } from "node:net";
import type { Client } from "cassandra-driver";
import { addressOf, parseContactPoint } from "./contact-points.js";
import { internalsOf } from "./internals.js";

/** Warns of unverified certificates, and of a password that is sent in clear text; once per set of contact points. */
export function warnOfRisks(client: Client): void {
  const { options, hosts } = internalsOf(client);
  if (options === undefined) return;
  const { contactPoints = [], sslOptions, cloud, authProvider } = options;
  if (sslOptions) {
    // cassandra-driver treats a missing option as false.
    if (![false, undefined].includes(sslOptions.rejectUnauthorized)) return;
    warnOnce(
      "TASKLEDGER_TLS_UNVERIFIED",
      contactPoints,
      `the certificates of Cassandra at ${contactPoints.join(", ")} are not verified: an impostor can read ` +
        "and change what is sent, the password included. Name the certificate of their authority (tlsCAFile in a URL, " +
        "sslOptions.ca) in place of tls=insecure or rejectUnauthorized: false; with a Client of your own, set " +
        "rejectUnauthorized: true",
    );
  } else if (cloud === undefined && /PlainText/.test(authProvider?.constructor.name ?? "")) {
    // Only the driver's providers are known, by name, since the driver may be installed more than once.
    const discovered = [...(hosts?.values?.() ?? [])].flatMap((host) => (host?.address ? addressOf(host) : []));
    const remote = [...contactPoints, ...discovered].filter((node) => !isLoopback(node));
    if (remote.length === 0) return;
    warnOnce(
      "TASKLEDGER_PASSWORD_UNENCRYPTED",
      contactPoints,
      `the password for Cassandra is sent unencrypted to ${remote.join(", ")}: use TLS (tls=true in a URL, sslOptions)`,
    );
  }
}

const given = new Set<string>();

function warnOnce(code: string, contactPoints: readonly string[], message: string): void {
  const key = `${code} ${contactPoints}`;
  if (given.has(key)) return;
  given.add(key);
  process.emitWarning(message, { type: "SecurityWarning", code });
}

function isLoopback(contactPoint: string): boolean {
  const { host } = parseContactPoint(contactPoint);
  return isIPv4(host) ? host.startsWith("127.") : host === "::1" || host.toLowerCase() === "localhost";
}
