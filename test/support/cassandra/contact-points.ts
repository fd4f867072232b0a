import { isIPv6 } from "node:net";

const CQL_PORT = 9042;

/** One of `host`, `host:port`, `[::1]`, `[::1]:port` and `::1`, in the driver's form: with a port, IPv6 in brackets. */
export interface ContactPoint {
  contactPoint: string;
  /** Without brackets. */
  host: string;
  port: number;
}

export function parseContactPoints(text: string): ContactPoint[] {
  const points = text.split(",").map((point) => point.trim());
  return points.filter((point) => point !== "").map(parseContactPoint);
}

function parseContactPoint(text: string): ContactPoint {
  const { host, port } = split(text);
  return { contactPoint: `${isIPv6(host) ? `[${host}]` : host}:${port}`, host, port };
}

function split(text: string): { host: string; port: number } {
  if (isIPv6(text)) return { host: text, port: CQL_PORT };
  const [, bracketed, plain, digits] = /^(?:\[(.+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? CQL_PORT : Number(digits);
  if (host === undefined || (bracketed !== undefined && !isIPv6(bracketed)) || port < 1 || port > 65_535) {
    throw new Error(`CASSANDRA_CONTACT_POINTS: "${text}" is not host, host:port or [IPv6]:port`);
  }
  return { host, port };
}
