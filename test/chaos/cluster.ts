import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { types } from "cassandra-driver";
import { clientOf } from "../support/cassandra/cluster.js";
import { CassandraNode, type CommitlogSync } from "../support/cassandra/node.js";
import { freePort } from "../support/cassandra/ports.js";
import { initiatorOf, Relay, Way } from "./network.js";

/** The addresses on which the nodes listen, and those of their relays, which nodes and clients use. */
const PRIVATE = ["127.0.0.21", "127.0.0.22", "127.0.0.23"];
const PUBLIC = ["127.0.1.21", "127.0.1.22", "127.0.1.23"];

const SETTLE_TIMEOUT = 120_000;

export interface ChaosClusterOptions {
  readonly commitlogSync: CommitlogSync;
  /** Whether a node keeps writes for another one that is down (hints). */
  readonly hints: boolean;
}

/** The relays in front of a node's port for other nodes, and of its port for clients. */
interface Relays {
  readonly forNodes: Relay;
  readonly forClients: Relay;
}

/** Three nodes with a relay in front of each, so that they can be cut off from each other and from clients. */
export class ChaosCluster {
  readonly nodes: readonly CassandraNode[];
  /** The contact points for clients, each with its port. */
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly #dir: string;
  readonly #relays: readonly Relays[];
  /** By the numbers of sender and receiver. */
  readonly #ways: readonly (readonly Way[])[] = PRIVATE.map(() => PRIVATE.map(() => new Way()));
  readonly #requests: readonly Way[] = PRIVATE.map(() => new Way());
  readonly #answers: readonly Way[] = PRIVATE.map(() => new Way());

  private constructor(dir: string, port: number, storagePort: number, options: ChaosClusterOptions) {
    this.#dir = dir;
    this.port = port;
    this.contactPoints = PUBLIC.map((address) => `${address}:${port}`);
    this.#relays = PRIVATE.map((host, i) => this.#relaysOf(i, host, storagePort));
    this.nodes = PRIVATE.map((address, i) => {
      const own = join(dir, address);
      return new CassandraNode({
        address,
        port,
        storagePort,
        dir: own,
        // A node that names itself can start while no other runs.
        seeds: PUBLIC,
        commitlogSync: options.commitlogSync,
        settings: {
          broadcast_address: PUBLIC[i],
          broadcast_rpc_address: PUBLIC[i],
          hinted_handoff_enabled: options.hints,
          // Instead of 12 s, so that nodes refuse requests that have waited too long, as slow nodes do under load.
          native_transport_timeout: "1s",
        },
        // A node that is killed leaves its unpacked libraries behind.
        jvmOptions: [`-Djava.io.tmpdir=${own}`],
        temporary: true,
      });
    });
  }

  static async start(options: ChaosClusterOptions): Promise<ChaosCluster> {
    const addresses = [...PRIVATE, ...PUBLIC];
    const [port, storagePort] = [await freePort(addresses, 9042), await freePort(addresses, 7000)];
    const dir = await mkdtemp(join(tmpdir(), "taskledger-chaos-"));
    const cluster = new ChaosCluster(dir, port, storagePort, options);
    try {
      await cluster.startNode(0);
      await Promise.all([1, 2].map((number) => cluster.startNode(number)));
      await cluster.settled();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get numbers(): number[] {
    return this.nodes.map((_, i) => i);
  }

  node(number: number): CassandraNode {
    return this.nodes[number] as CassandraNode;
  }

  /** Starts a node that is not running. */
  async startNode(number: number): Promise<void> {
    if (this.node(number).running) return;
    const { forNodes, forClients } = this.#relays[number] as Relays;
    await forNodes.listen();
    await this.node(number).start();
    await forClients.listen();
  }

  /** Kills a node, or stops it gracefully; then connections to it are refused. */
  async endNode(number: number, how: "killed" | "stopped"): Promise<void> {
    await (how === "killed" ? this.node(number).kill("SIGKILL") : this.node(number).stop());
    const { forNodes, forClients } = this.#relays[number] as Relays;
    forNodes.refuse();
    forClients.refuse();
  }

  /** From one node to another. */
  way(from: number, to: number): Way {
    return this.#ways[from]?.[to] as Way;
  }

  /** The ways between a node and all others. */
  waysOf(number: number): Way[] {
    const others = this.numbers.filter((other) => other !== number);
    return others.flatMap((other) => [this.way(number, other), this.way(other, number)]);
  }

  /** From clients to a node. */
  requestsTo(number: number): Way {
    return this.#requests[number] as Way;
  }

  /** From a node to clients. */
  answersOf(number: number): Way {
    return this.#answers[number] as Way;
  }

  /** Breaks all connections that go through these ways. */
  reset(ways: readonly Way[]): void {
    const relays = this.#relays.flatMap(({ forNodes, forClients }) => [forNodes, forClients]);
    for (const relay of relays) relay.reset(({ forth, back }) => ways.includes(forth) || ways.includes(back));
  }

  /** Opens all ways again. */
  heal(): void {
    for (const way of [...this.#ways.flat(), ...this.#requests, ...this.#answers]) {
      way.delay = 0;
      way.release();
    }
  }

  /** Starts nodes that are not running, and continues those that are stopped. */
  async revive(): Promise<void> {
    for (const node of this.nodes) await node.kill("SIGCONT");
    await Promise.all(this.numbers.map((number) => this.startNode(number)));
  }

  /** Resolves when every node that runs sees every other as up, and fails when one can't. */
  async settled(): Promise<void> {
    const running = this.nodes.filter((node) => node.running);
    const consistency = running.length === this.nodes.length ? types.consistencies.all : types.consistencies.quorum;
    await Promise.all(running.map((node) => answers(node, consistency)));
  }

  /** Ends the nodes and removes their data. */
  async stop(): Promise<void> {
    this.heal();
    await Promise.all(this.numbers.map((number) => this.endNode(number, "killed")));
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }

  #relaysOf(number: number, host: string, storagePort: number): Relays {
    const address = PUBLIC[number] as string;
    const forNodes = new Relay(address, storagePort, (first) => {
      const from = PUBLIC.indexOf(initiatorOf(first) ?? "");
      if (from === -1) return undefined;
      return { to: { host, port: storagePort }, forth: this.way(from, number), back: this.way(number, from) };
    });
    const forClients = new Relay(address, this.port, () => ({
      to: { host, port: this.port },
      forth: this.requestsTo(number),
      back: this.answersOf(number),
    }));
    return { forNodes, forClients };
  }
}

/**
 * A read that every replica must answer fails at once on a node that considers one down. It reads a table of Cassandra's own,
 * which is stored on three nodes.
 */
async function answers(node: CassandraNode, consistency: types.consistencies): Promise<void> {
  const client = clientOf(node);
  const deadline = performance.now() + SETTLE_TIMEOUT;
  try {
    for (;;) {
      try {
        await client.execute(PROBE, ["", ""], { consistency });
        return;
      } catch (error) {
        if (!node.running) return;
        if (performance.now() > deadline)
          throw new Error(`${node.contactPoint} does not see the other nodes up`, { cause: error });
      }
      await sleep(250);
    }
  } finally {
    await client.shutdown();
  }
}

const PROBE = "SELECT host_id FROM system_distributed.view_build_status WHERE keyspace_name = ? AND view_name = ?";
