import { crc32 } from "node:zlib";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import type { PlacementCase } from "./manifest.js";

const ids = [
  "a",
  "0",
  "file1.txt",
  "file2.txt",
  "file3.txt",
  "order 17",
  "zażółć",
  "任务",
  "😀",
  "0192f0c1-2b3c-7def-8123-456789abcdef",
  "\u0001",
  "\u00e9",
  "e\u0301",
  "x".repeat(512),
  "😀".repeat(128),
];

const counts = [1, 2, 8, 64, 1024, 65_536];

export const placementCases: readonly PlacementCase[] = ids.map((id) => ({
  id,
  crc: crc32(id),
  shards: Object.fromEntries(counts.map((count) => [count, shardOf(id, count)])),
}));
