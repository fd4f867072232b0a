import { postgresUrl, startPostgres, whyNoPostgres } from "../../examples/servers/postgres.js";
import { startRedis, whyNoRedis } from "../../examples/servers/redis.js";
import type { Server } from "../../examples/servers/server.js";
import { BullPeer } from "./bullmq.js";
import { Ledger } from "./ledger.js";
import type { Peer } from "./peer.js";
import { BossPeer } from "./pg-boss.js";

export const LEDGER = "Taskledger on SQLite";
export const LEDGER_WITH_CLAIMS = `${LEDGER}, with claims`;

/** How one of the other systems is opened, on a server of its own. */
interface Other {
  whyNot(): string | undefined;
  start(): Promise<Server>;
  /** Through a port, which may be a relay's. */
  open(port: number): Peer | Promise<Peer>;
}

export const others: Readonly<Record<string, Other>> = {
  BullMQ: { whyNot: whyNoRedis, start: startRedis, open: (port) => new BullPeer(port) },
  "pg-boss": {
    whyNot: whyNoPostgres,
    start: startPostgres,
    open: (port) => BossPeer.open(postgresUrl({ port })),
  },
};

/** All systems that can run here; one whose server is missing is left out. */
export class Peers implements AsyncDisposable {
  /** By name; the first is the ledger. */
  readonly all = new Map<string, Peer>();
  /** Why the others are left out. */
  readonly missing = new Map<string, string>();
  readonly #servers: Server[] = [];

  static async open(): Promise<Peers> {
    const peers = new Peers();
    peers.all.set(LEDGER, await Ledger.open());
    peers.all.set(LEDGER_WITH_CLAIMS, await Ledger.open({ claims: true }));
    for (const [name, other] of Object.entries(others)) {
      const reason = other.whyNot();
      if (reason === undefined) await peers.#start(name, other);
      else peers.missing.set(name, reason);
    }
    return peers;
  }

  async #start(name: string, { start, open }: Other): Promise<void> {
    const server = await start();
    this.#servers.push(server);
    this.all.set(name, await open(server.port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.all.values()) await peer[Symbol.asyncDispose]();
    for (const server of this.#servers) await server.stop();
  }
}
