import type { Client, policies, token } from "cassandra-driver";
import { type Partition, partitionName } from "../model/partition.js";
import type { Driver } from "./errors.js";
import { internalsOf } from "./internals.js";

/** The maximum number of tokens kept. */
const MAX_TOKENS = 4096;

/**
 * The tokens of partitions, by which the driver finds their replicas. Otherwise it would hash the key of each statement, which is
 * most of the cost of finding them.
 */
export class PartitionTokens {
  readonly #client: Client;
  readonly #takesTokens: boolean;
  readonly #tokens = new Map<string, token.Token>();

  constructor(client: Client, driver: Driver) {
    this.#client = client;
    this.#takesTokens = takesTokens(client, driver);
  }

  /** Undefined if the driver has to find the replicas by itself. */
  of(partition: Partition): token.Token | undefined {
    if (!this.#takesTokens) return undefined;
    const name = partitionName(partition);
    let token = this.#tokens.get(name);
    if (token === undefined) {
      if (this.#tokens.size >= MAX_TOKENS) this.#tokens.clear();
      token = this.#client.metadata.newToken(partitionKey(partition));
      this.#tokens.set(name, token);
    }
    return token;
  }
}

/** The driver's own policies accept a token as a routing key; this is not documented for others. */
function takesTokens(client: Client, driver: Driver): boolean {
  const { options } = internalsOf(client);
  const own = Object.values(driver.policies.loadBalancing) as unknown[];
  const isOwn = (policy: Policy | undefined): boolean =>
    policy === undefined || (own.includes(policy.constructor) && isOwn(policy.childPolicy));
  const hasTokens = (client.metadata as { tokenizer?: unknown } | undefined)?.tokenizer !== undefined;
  return hasTokens && !options?.requestTracker && isOwn(options?.policies?.loadBalancing);
}

/** The wrapped policy, of policies that wrap another. */
type Policy = policies.loadBalancing.LoadBalancingPolicy & { readonly childPolicy?: Policy };

/** A partition key as Cassandra hashes it: each column is preceded by its length and followed by a zero. */
function partitionKey({ taskList, shard }: Partition): Buffer {
  const list = Buffer.from(taskList);
  const key = Buffer.alloc(2 + list.length + 1 + 2 + 4 + 1);
  list.copy(key, key.writeUInt16BE(list.length));
  key.writeInt32BE(shard, key.writeUInt16BE(4, 2 + list.length + 1));
  return key;
}
