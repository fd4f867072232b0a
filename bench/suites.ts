import type { Suite } from "./benchmark.js";

/** All suites that can be named on the command line. To add a suite, add it here. */
export const suites: Readonly<Record<string, Suite>> = {
  cassandra: {
    needs: "cassandra",
    benchmarks: {
      "save-complete": () => import("./cassandra/save-complete.js"),
      find: () => import("./cassandra/find.js"),
      "after-completed": () => import("./cassandra/after-completed.js"),
      open: () => import("./cassandra/open.js"),
      growth: () => import("./cassandra/growth.js"),
      "save-all": () => import("./cassandra/save-all.js"),
      bulk: () => import("./cassandra/bulk.js"),
      busy: () => import("./cassandra/busy.js"),
    },
    probes: {
      "warm-up": () => import("./cassandra/warm-up.js"),
      memory: () => import("./cassandra/memory.js"),
    },
  },
  wire: {
    benchmarks: {
      formats: () => import("./wire/formats-speed.js"),
      "code-size": () => import("./wire/code-size.js"),
      batch: () => import("./wire/batch.js"),
      "batch-memory": () => import("./wire/batch-memory.js"),
      sqlite: () => import("./wire/client-cpu-sqlite.js"),
    },
    probes: { frames: () => import("./wire/frames-memory.js") },
  },
  "wire-cassandra": {
    needs: "cassandra",
    benchmarks: { cpu: () => import("./wire/client-cpu-cassandra.js") },
  },
  sqlite: {
    benchmarks: {
      "save-complete": () => import("./sqlite/save-complete.js"),
      list: () => import("./sqlite/list.js"),
    },
    probes: { memory: () => import("./sqlite/memory.js") },
  },
  bounds: {
    benchmarks: {
      binary: () => import("./bounds/binary.js"),
      batch: () => import("./bounds/batch.js"),
      hash: () => import("./bounds/hash.js"),
      languages: () => import("./bounds/languages.js"),
    },
  },
  generator: {
    benchmarks: {
      generate: () => import("./generator/generate.js"),
      compile: () => import("./generator/compile.js"),
    },
  },
  recovery: {
    needs: "cassandra",
    benchmarks: {
      claims: () => import("./recovery/claims.js"),
      pass: () => import("./recovery/pass.js"),
      perform: () => import("./recovery/perform.js"),
      "save-complete": () => import("./recovery/save-complete.js"),
    },
  },
  cli: {
    needs: "cassandra",
    benchmarks: {
      help: () => import("./cli/help.js"),
      lists: () => import("./cli/lists.js"),
      board: () => import("./cli/board.js"),
    },
  },
  peers: {
    title: "The life of a task: added, then completed, each on the disk",
    benchmarks: {
      lives: () => import("./peers/lives.js"),
      bytes: () => import("./peers/bytes.js"),
      "dead-worker": () => import("./peers/dead-worker.js"),
    },
  },
};
