import { crc32 } from "node:zlib";
import type { TaskKey } from "../../../core/keys.js";

/** The part of a list that shares one partition. */
export interface Partition {
  readonly taskList: string;
  readonly shard: number;
}

/** The default number of shards: with few, more operations share a batch. */
export const DEFAULT_SHARDS = 2;
export const MAX_SHARDS = 65_536;

/** Whether a keyspace can have this many shards: a power of two up to 65,536. */
export function isShardCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_SHARDS && (value & (value - 1)) === 0;
}

/**
 * The shard of an id: the CRC-32 of its UTF-8 bytes, which every language has a library for, multiplied by 2^32 over the
 * golden ratio. The upper half of that product spreads runs such as file1.txt, file2.txt evenly, which CRC-32 alone does
 * not.
 */
export function shardOf(id: string, shards: number): number {
  return (Math.imul(crc32(id), 0x9e37_79b1) >>> 16) % shards;
}

/** The partition of a task. */
export function partitionOf({ taskList, id }: TaskKey, shards: number): Partition {
  return { taskList, shard: shardOf(id, shards) };
}

/** All partitions of a list. */
export function partitionsOf(taskList: string, shards: number): Partition[] {
  return Array.from({ length: shards }, (_, shard) => ({ taskList, shard }));
}

/** A text that names a partition, for maps. */
export function partitionName({ taskList, shard }: Partition): string {
  return `${shard} ${taskList}`;
}
