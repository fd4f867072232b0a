import type { Client, ClientOptions, policies, token } from "cassandra-driver";
import type { Driver } from "./driver-errors.js";
import { type Partition, partitionName } from "./shard.js";

/** Of so many partitions the tokens are kept. */
const MOST = 4096;

/** What the driver finds a partition's replicas by. */
export type RoutingKey = token.Token | Buffer;

/** Tokens of partitions: to hash a key takes the driver longer than all else of finding its replicas. */
export class PartitionTokens {
  readonly #client: Client;
  readonly #takesTokens: boolean;
  readonly #keys = new Map<string, RoutingKey>();

  constructor(client: Client, driver: Driver) {
    this.#client = client;
    this.#takesTokens = takesTokens(client, driver);
  }

  of(partition: Partition): RoutingKey {
    const name = partitionName(partition);
    const known = this.#keys.get(name);
    if (known) return known;
    if (this.#keys.size >= MOST) this.#keys.clear();
    const key = this.#tokenOf(serialized(partition));
    this.#keys.set(name, key);
    return key;
  }

  #tokenOf(key: Buffer): RoutingKey {
    if (!this.#takesTokens) return key;
    try {
      return this.#client.metadata.newToken(key);
    } catch {
      return key; // before the client knows the servers' partitioner
    }
  }
}

/** The driver's own policies take a token for a key; others know of Buffers, of which alone its documentation speaks. */
function takesTokens(client: Client, driver: Driver): boolean {
  const { policies, requestTracker } = (client as unknown as { options?: ClientOptions }).options ?? {};
  const own = Object.values(driver.policies.loadBalancing) as unknown[];
  const isOwn = (policy: Balancing | undefined): boolean =>
    !policy || (own.includes(policy.constructor) && isOwn(policy.childPolicy));
  return !requestTracker && isOwn(policies?.loadBalancing as Balancing | undefined);
}

/** The policies that work on another have it here. */
type Balancing = policies.loadBalancing.LoadBalancingPolicy & { readonly childPolicy?: Balancing };

/** A partition key as Cassandra hashes it: each column after its length, and before a zero. */
function serialized({ taskList, shard }: Partition): Buffer {
  const list = Buffer.from(taskList);
  const key = Buffer.alloc(2 + list.length + 1 + 2 + 4 + 1);
  list.copy(key, key.writeUInt16BE(list.length));
  const at = key.writeUInt16BE(4, 2 + list.length + 1);
  key.writeInt32BE(shard, at);
  return key;
}
