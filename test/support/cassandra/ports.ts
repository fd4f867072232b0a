import { once } from "node:events";
import { createServer } from "node:net";

// Below the range of ports for outgoing connections, so that a free port stays free: Cassandra takes seconds to bind it.
const FIRST = 10_000;
const LAST = 32_000;

/** A port that is free on all the addresses; `preferred` if that is free. */
export async function freePort(addresses: readonly string[], preferred?: number): Promise<number> {
  if (preferred !== undefined && (await areFree(addresses, preferred))) return preferred;
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await areFree(addresses, port)) return port;
  }
  throw new Error(`found no port that is free on ${addresses.join(", ")}`);
}

async function areFree(addresses: readonly string[], port: number): Promise<boolean> {
  for (const address of addresses) {
    if (!(await isFree(address, port))) return false;
  }
  return true;
}

export async function isFree(address: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, "listening");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    if ((error as NodeJS.ErrnoException).code === "EADDRNOTAVAIL")
      throw new Error(noSuchAddress(address), { cause: error });
    throw error;
  } finally {
    server.close();
  }
}

function noSuchAddress(address: string): string {
  return `this machine has no address ${address}: Linux has all of 127.0.0.0/8, on macOS run \`sudo ifconfig lo0 alias ${address}\``;
}
