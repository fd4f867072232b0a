import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { type ClaimingActor, claimScripts, playClaims } from "./claiming.js";
import { DriverActor, driverCassandra } from "./driver.js";
import { prepareLanguages } from "./prepare.js";
import { TypeScriptActor } from "./typescript-actor.js";

const keyspace = "languages_claims";
const prepared = (await prepareLanguages()).filter(({ language }) => language.hasClaims);
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
});
