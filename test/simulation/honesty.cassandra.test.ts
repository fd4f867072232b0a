import driver from "cassandra-driver";
import { afterAll, describe, expect, test } from "vitest";
import { Caller } from "../../src/adapters/cassandra/driver/caller.js";
import { DriverSession } from "../../src/adapters/cassandra/driver/session.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import type { LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";
import { newKeyspace, rawClient, replication, shutDown } from "../cassandra-adapter/connection.js";
import { type Call, CallGenerator, readAll } from "./calls.js";
import { Cluster } from "./cluster.js";
import { randomSeed } from "./random.js";
import { SimulatedSession } from "./session.js";
import { calm } from "./weather.js";
import { SECOND, World } from "./world.js";

/** Histories that run at once, each in its own partition. */
const CONCURRENCY = 8;

const client = rawClient();
await client.connect();
afterAll(() => shutDown(client));
const keyspace = newKeyspace("honesty");
await CassandraAdapter.createSchema({ client, keyspace, replication });
const consistency = driver.types.consistencies.localQuorum;
const real = new DriverSession(new Caller({ client, driver, keyspace, consistency }));

/** A simulated cluster in which nothing goes wrong, but that each write comes to two of the three replicas only. */
class Simulated {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #session: LedgerSession;

  constructor(seed: number) {
    this.#world = new World({ seed, weather: calm });
    this.#cluster = new Cluster(this.#world, {
      dataCenters: 1,
      reads: "QUORUM",
      writes: "QUORUM",
      hasReadRepair: true,
      maxTombstones: Infinity,
      span: 0,
    });
    const process = {
      name: "A",
      dataCenter: 0,
      step: (_: number, run: () => void) => run(),
      onApplied: () => undefined,
    };
    this.#session = new SimulatedSession(this.#world, this.#cluster, process);
  }

  /** `without` is the replica that misses it. */
  write(mutations: readonly Mutation[], without: number): void {
    for (const replica of this.#cluster.replicas)
      if (replica.index !== without) replica.apply(0, mutations, this.#cluster.nowInSeconds + 1000);
  }

  async read({ read }: Call): Promise<unknown> {
    const answer = read(this.#session, { taskList: "list", shard: 0 });
    await this.#world.runUntil(this.#world.now + SECOND);
    return answer;
  }
}

/** Makes the same calls to both, and expects the same of them. */
async function compare(seed: number): Promise<void> {
  const calls = new CallGenerator(seed);
  const simulated = new Simulated(seed);
  const partition = { taskList: `history ${seed}`, shard: 0 };
  const expectSame = async (call: Call) => {
    const [rows, simulatedRows] = await Promise.all([call.read(real, partition), simulated.read(call)]);
    expect(simulatedRows, `seed ${seed}: ${call.what}`).toEqual(rows);
  };
  for (let i = 0; i < 12; i++) {
    const mutations = calls.batch();
    await real.apply(partition, mutations, 30_000);
    simulated.write(mutations, Math.floor(3 * calls.roll()));
    await expectSame(calls.read());
    await expectSame(calls.read());
  }
  for (const call of readAll) await expectSame(call);
}

async function compareAll(from: number, count: number): Promise<void> {
  for (let next = 0; next < count; next += CONCURRENCY)
    await Promise.all(Array.from({ length: CONCURRENCY }, (_, i) => compare(from + next + i)));
}

describe("the simulated cluster, of whose replicas each write reaches two, gives the rows that Cassandra gives", () => {
  test("after the same statements, of fixed seeds", () => compareAll(1, 240));

  test("after the same statements, of a random seed", async () => {
    const seed = randomSeed();
    console.log(`compared with Cassandra from seed ${seed} on`);
    await compareAll(seed, 80);
  });
});
