import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One direction between two parties: open, blocked, or slow. Blocked data arrives when it opens again. */
export class Way {
  /** Delay of each chunk of data, in milliseconds. */
  delay = 0;
  #opened: Promise<void> | undefined;
  #open: (() => void) | undefined;

  get isHeld(): boolean {
    return this.#opened !== undefined;
  }

  hold(): void {
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open?.();
    this.#open = undefined;
    this.#opened = undefined;
  }

  /** Resolves when data may pass. */
  async passage(): Promise<void> {
    if (this.delay > 0) await sleep(this.delay);
    while (this.#opened) await this.#opened;
  }
}

/** A connection through a relay: requests use one way, answers another. */
export interface Route {
  readonly to: { readonly host: string; readonly port: number };
  readonly forth: Way;
  readonly back: Way;
}

/** The target of a connection, by its first bytes; undefined if it is unknown. */
export type Router = (first: Buffer) => Route | undefined;

/** Listens in place of a node, and forwards data that may pass. */
export class Relay {
  readonly #host: string;
  readonly #port: number;
  readonly #server: Server;
  readonly #connections = new Map<Socket, Route>();

  constructor(host: string, port: number, route: Router) {
    this.#host = host;
    this.#port = port;
    this.#server = createServer((socket) => void this.#pass(socket, route).catch(() => socket.destroy()));
  }

  async listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen({ host: this.#host, port: this.#port, exclusive: true });
    await once(this.#server, "listening");
  }

  /** Refuses connections, like a machine without a running node. */
  refuse(): void {
    if (this.#server.listening) this.#server.close();
    this.reset();
  }

  /** Breaks the connections of these ways, like a router that forgets them. */
  reset(isMeant: (route: Route) => boolean = () => true): void {
    for (const [socket, route] of this.#connections) if (isMeant(route)) socket.destroy();
  }

  async #pass(caller: Socket, route: Router): Promise<void> {
    caller.setNoDelay(true).on("error", () => {});
    const [first] = (await once(caller, "data")) as [Buffer];
    const found = route(first);
    if (found === undefined) return void caller.destroy();
    caller.pause();
    this.#connections.set(caller, found);
    caller.once("close", () => this.#connections.delete(caller));
    await found.forth.passage();
    if (caller.destroyed) return;
    const callee = dial(found.to);
    callee.setNoDelay(true).on("error", () => caller.destroy());
    caller.once("close", () => callee.destroy());
    callee.once("close", () => caller.destroy());
    await once(callee, "connect");
    callee.write(first);
    await Promise.all([pump(caller, callee, found.forth), pump(callee, caller, found.back)]);
  }
}

async function pump(from: Socket, to: Socket, way: Way): Promise<void> {
  for await (const data of from) {
    await way.passage();
    if (to.destroyed) return;
    if (!to.write(data)) await once(to, "drain");
  }
  to.end();
}

/** The magic number and flags, the length of an address, and an IPv4 address, as a node's first message has them. */
const INITIATE = { magic: 0xca552dfa, address: 9, length: 15 };

/**
 * The address of the node that makes a connection, which Cassandra 4.0 and later put into their first message
 * (org.apache.cassandra.net.HandshakeProtocol.Initiate).
 */
export function initiatorOf(first: Buffer): string | undefined {
  if (first.length < INITIATE.length || first.readUInt32BE(0) !== INITIATE.magic) return undefined;
  return [...first.subarray(INITIATE.address, INITIATE.address + 4)].join(".");
}
