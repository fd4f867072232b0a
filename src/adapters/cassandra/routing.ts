import type { Client, token } from "cassandra-driver";
import { type Partition, partitionName } from "./shard.js";

/** Of so many partitions the tokens are kept. */
const MOST = 4096;

/** What the driver finds a partition's replicas by. */
export type RoutingKey = token.Token | Buffer;

/** Tokens of partitions: to hash a key takes the driver longer than all else of finding its replicas. */
export class PartitionTokens {
  readonly #client: Client;
  readonly #keys = new Map<string, RoutingKey>();

  constructor(client: Client) {
    this.#client = client;
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

  /** A client that keeps no metadata has no tokens; it does not look for replicas. */
  #tokenOf(key: Buffer): RoutingKey {
    try {
      return this.#client.metadata.newToken(key);
    } catch {
      return key;
    }
  }
}

/** A partition key as Cassandra hashes it: each column after its length, and before a zero. */
function serialized({ taskList, shard }: Partition): Buffer {
  const list = Buffer.from(taskList);
  const key = Buffer.alloc(2 + list.length + 1 + 2 + 4 + 1);
  list.copy(key, key.writeUInt16BE(list.length));
  const at = key.writeUInt16BE(4, 2 + list.length + 1);
  key.writeInt32BE(shard, at);
  return key;
}
