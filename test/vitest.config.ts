import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = (path: string) => `${root}src/${path}`;

/** The package's own names, as a user imports them, from the sources. */
const alias = [
  { find: /^taskledger$/, replacement: source("index.ts") },
  { find: /^taskledger\/cassandra$/, replacement: source("adapters/cassandra/index.ts") },
  { find: /^taskledger\/sqlite$/, replacement: source("adapters/sqlite/index.ts") },
  { find: /^taskledger\/memory$/, replacement: source("adapters/memory/index.ts") },
  { find: /^taskledger\/store$/, replacement: source("store/index.ts") },
  { find: /^taskledger\/adapter$/, replacement: source("adapter/index.ts") },
  { find: /^taskledger\/board$/, replacement: source("board/index.ts") },
  { find: /^taskledger\/testing$/, replacement: source("testing/index.ts") },
  { find: /^taskledger\/wire$/, replacement: source("wire/index.ts") },
  { find: /^taskledger\/gen\/(.*)\.js$/, replacement: `${root}gen/$1.ts` },
];

/** Tests that need a Cassandra are named so. */
const cassandra = "test/**/*.cassandra.test.ts";

/** Those of workers in other languages need their tools. */
const languages = "test/languages/**/*.test.ts";

/** Those of whole services beside queues start a Redis and a PostgreSQL, and wait for leases to end. */
const queues = ["test/queues/**/*.test.ts", "test/orders/**/*.test.ts", "test/examples/orders.test.ts"];

/** Those of the packed package need many tools. */
const packaged = "test/package/**/*.test.ts";

/** Those of the embedded store: processes that are killed, disks that are full. */
const sqlite = "test/sqlite/**/*.test.ts";

/** Those of whole programs, and of long histories. They need no server. */
const system = [
  "test/{cli,examples,simulation}/**/*.test.ts",
  "test/batch/bounds.test.ts",
  "test/docs/{cli,first-session}.test.ts",
  "test/plugin/wide.test.ts",
  "test/recovery/processes.test.ts",
];

/** Those that need a browser. */
const browsers = "test/**/*.browser.test.ts";

/** Those that start nodes of their own, and stop them, take too long to run with all others. */
const clusters = "test/**/*.cluster.test.ts";

export default defineConfig({
  root,
  test: {
    // Most tests wait, for processes and disks: on a machine with two processors, one file at a time takes too long.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        resolve: { alias },
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [browsers, cassandra, clusters, languages, ...queues, packaged, sqlite, ...system],
          sequence: { groupOrder: 0 },
          testTimeout: 30_000, // only what hangs fails: a busy machine is slow
        },
      },
      {
        resolve: { alias },
        test: {
          name: "sqlite",
          include: [sqlite],
          exclude: [cassandra],
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "system",
          include: system,
          exclude: [cassandra, ...queues],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "cassandra",
          sequence: { groupOrder: 1 }, // it starts while the others run
          include: [cassandra],
          exclude: [languages, ...queues],
          globalSetup: "test/support/cassandra/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "languages",
          include: [languages],
          exclude: [clusters],
          globalSetup: "test/support/cassandra/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "queues",
          include: queues,
          globalSetup: "test/support/cassandra/global-setup.ts",
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: { name: "board", include: [browsers], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        resolve: { alias },
        // One cluster at a time: each is three processes, and looks for ports where others might.
        test: { name: "clusters", include: [clusters], maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      {
        test: {
          name: "package",
          include: [packaged],
          globalSetup: "test/package/global-setup.ts",
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
