/** One of `host`, `host:port`, `::1`, `[::1]` and `[::1]:port`; the host is without brackets. */
export function parseContactPoint(text: string): { readonly host: string; readonly port: number | undefined } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? undefined : Number(port) };
}

/** The address of a node, without its port. The driver writes both of an IPv6 address without brackets. */
export function addressOf({ address }: { readonly address: string }): string {
  return address.replace(/:\d+$/, "");
}
