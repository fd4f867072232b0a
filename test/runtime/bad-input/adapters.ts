import { CompositeTask, existingTasks, OpaqueTask } from "taskledger";
import { VersionClock } from "taskledger/adapter";
import { CassandraAdapter } from "taskledger/cassandra";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { openStore } from "taskledger/store";
import { describeAdapter } from "taskledger/testing";
import { describe } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { type Case, key, testCases } from "./setup.js";

// biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this file is about
type Any = any;

const refused = (what: string, act: () => unknown, field: string, message: string): Case => [
  what,
  act,
  "INVALID_ARGUMENT",
  field,
  message,
];

describe("an adapter", () => {
  const cassandra = (options?: Any) => () => new CassandraAdapter(options);
  const sqlite = (options?: Any) => () => new SqliteAdapter(options);
  const memory = (options?: Any) => () => new MemoryAdapter(options);
  testCases([
    refused("of Cassandra, of nothing", cassandra(), "options", "expected an object, got undefined"),
    refused("of Cassandra, of a URL", cassandra("cassandra://host/ks"), "options", `got "cassandra://host/ks"`),
    refused("of Cassandra, without a keyspace", cassandra({}), "keyspace", "1 to 48 letters, digits and underscores"),
    refused("with a deadline of no number", cassandra({ keyspace: "k", deadline: "1" }), "deadline", 'got "1"'),
    refused(
      "with a grace period below the clocks'",
      cassandra({ keyspace: "k", gracePeriod: 1 }),
      "gracePeriod",
      "from 20000, 20 times the clock limit, to 2147483647, got 1",
    ),
    refused(
      "with a grace period of no number",
      cassandra({ keyspace: "k", gracePeriod: "20000" }),
      "gracePeriod",
      'got "20000"',
    ),
    refused("with whenFull: throw", cassandra({ keyspace: "k", whenFull: "throw" }), "whenFull", '"wait" or "fail"'),
    refused("of SQLite, of nothing", sqlite(), "options", "got undefined"),
    refused("of SQLite, without a path", sqlite({}), "path", "the path of a file"),
    refused("of SQLite, with a clock of its own kind", sqlite({ path: "x", clock: Date }), "clock", "a VersionClock"),
    refused("of memory, of null", memory(null), "options", "got null"),
    refused("of memory, with a number for its clock", memory({ clock: 1 }), "clock", "expected a VersionClock, got 1"),
    refused("that is no factory, to be proved", () => describeAdapter("x", {} as Any), "createAdapter", "a function"),
    refused("to be proved by no runner", () => (describeAdapter as Any)("x", () => {}), "describe", "a function"),
  ]);
});

describe("a schema", () => {
  const create = (options?: Any) => () => CassandraAdapter.createSchema(options);
  const replication = { class: "NetworkTopologyStrategy", dc1: 3 };
  testCases([
    refused("of nothing", create(), "options", "got undefined"),
    refused("of a keyspace that CQL would run", create({ keyspace: "a; b" }), "keyspace", 'got "a; b"'),
    refused("without replication", create({ keyspace: "k" }), "replication", "a map such as"),
    refused("replicated by a number", create({ keyspace: "k", replication: 3 }), "replication", "got 3"),
    refused("of 3 shards", create({ keyspace: "k", replication, shards: 3 }), "shards", "a power of two up to 65536"),
    refused(
      "of a grace period below the clocks'",
      create({ keyspace: "k", replication, gracePeriod: 19_999 }),
      "gracePeriod",
      "from 20000",
    ),
    refused(
      "of half a grace period",
      create({ keyspace: "k", replication, gracePeriod: 20_000.5 }),
      "gracePeriod",
      "got 20000.5",
    ),
    refused(
      "of a grace period past timers",
      create({ keyspace: "k", replication, gracePeriod: 2 ** 31 }),
      "gracePeriod",
      "to 2147483647",
    ),
  ]);
});

describe("a store", () => {
  const open = (options?: Any) => () => openStore("memory:", options);
  testCases([
    refused("with null for its options", open(null), "options", "got null"),
    refused("with a signal for its options", open(new AbortController().signal), "options", "got an object"),
    refused(
      "that makes its schema if true",
      open({ createSchema: true }),
      "createSchema",
      "{ replicas, shards, severalDataCenters }, got true",
    ),
    refused("of 0 replicas", open({ createSchema: { replicas: 0 } }), "createSchema.replicas", "from 1, got 0"),
  ]);
});

describe("what is given to", () => {
  testCases([
    refused("a clock is a number", () => new VersionClock(1 as Any), "wallClock", "expected a function, got 1"),
    refused("a clock for a limit is a number", () => new VersionClock(() => 1n, 1 as Any), "limit", "a bigint"),
    refused("existingTasks is null", () => existingTasks("l", null as Any), "options", "got null"),
    refused("existingTasks lists nothing", () => existingTasks("l", { tasks: 1 } as Any), "tasks", "got 1"),
    refused(
      "build is misspelt",
      () => FetchFileTask.build(key, { header: {} } as Any),
      "header",
      'unknown option "header"',
    ),
    refused(
      "execute is nothing",
      () => (CompositeTask.build({ ...key, childTaskList: "c" }) as Any).execute(),
      "options",
      "got undefined",
    ),
    ["OpaqueTask is anything", () => new (OpaqueTask as Any)(), "UNSUPPORTED", undefined, "is made by reading a task"],
  ]);
});
