/** Where a node listens, as it was written. */
export interface ContactPoint {
  /** An IPv6 address is without brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

/** One of `host`, `host:port`, `::1`, `[::1]` and `[::1]:port`. */
export function parseContactPoint(text: string): ContactPoint {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}

/** The port that all of them name; undefined if they don't. */
export function commonPort(contactPoints: readonly string[]): number | undefined {
  const ports = new Set(contactPoints.map((text) => parseContactPoint(text).port));
  const [port] = ports;
  return ports.size === 1 ? port : undefined;
}
