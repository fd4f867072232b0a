import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { type ClaimingActor, claimScripts, playClaims } from "./claiming.js";
import { DriverActor, driverCassandra } from "./driver.js";
import { prepareLanguages } from "./prepare.js";
import { newTask } from "./stage.js";
import { TypeScriptActor } from "./typescript-actor.js";

const keyspace = "languages_claims";
const prepared = await prepareLanguages();
const client = rawClient();

type Five<T> = [T, T, T, T, T];

beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication }));
afterAll(() => client.shutdown());

describe.each(prepared)("claiming in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  const actors: ClaimingActor[] = [];
  beforeAll(() => {
    const drivers = [0, 1].map(() => new DriverActor(language, driverCassandra(cassandra, keyspace)));
    actors.push(...drivers, ...[0, 1, 2].map(() => new TypeScriptActor(keyspace)));
  });
  afterAll(() => Promise.all(actors.map((actor) => actor.close())));

  test.each(Object.entries(claimScripts))("%s", async (_, steps) => {
    const [own, other, typeScript, another, marker] = actors as Five<ClaimingActor>;
    const expected = await playClaims(steps, randomUUID(), { A: typeScript, B: another, marker });
    for (const pair of [
      { A: own, B: typeScript },
      { A: typeScript, B: own },
      { A: own, B: other },
    ])
      expect(await playClaims(steps, randomUUID(), { ...pair, marker })).toEqual(expected);
  });

  test("of several that claim a task at the same moment, one has it", async () => {
    for (const actor of actors) await actor.open();
    for (let round = 0; round < 10; round++) {
      const taskList = randomUUID();
      const now = BigInt(Date.now()) * 1000n;
      const situation = { taskList, now, serverNow: now };
      const first = actors[0] as ClaimingActor;
      const { envelope } = await first.save({ envelope: newTask(taskList), replaced: [] }, situation);
      const claims = await Promise.all(
        actors.map((actor, i) => actor.claim(envelope, `owner ${i}`, 10_000, situation)),
      );
      expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
    }
  });
});
