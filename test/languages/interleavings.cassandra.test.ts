import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, test } from "vitest";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import type { Actor } from "./actor.js";
import { DriverActor, driverCassandra } from "./driver.js";
import { interleavings } from "./interleavings.js";
import { prepareLanguages } from "./prepare.js";
import { SHARDS, Stage } from "./stage.js";
import { TypeScriptActor } from "./typescript-actor.js";

const keyspace = "languages_interleavings";
const prepared = await prepareLanguages();
const client = rawClient();

beforeAll(() => CassandraAdapter.createSchema({ client, keyspace, replication, shards: SHARDS }));
afterAll(() => client.shutdown());

describe.each(prepared)("saving, completing and listing in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  const actors: Actor[] = [];
  const started = (actor: Actor) => {
    actors.push(actor);
    return actor;
  };
  let [own, other, typeScript]: Actor[] = [];
  beforeAll(() => {
    [own, other] = [0, 1].map(() => started(new DriverActor(language, driverCassandra(cassandra, keyspace))));
    typeScript = started(new TypeScriptActor(keyspace));
  });
  afterAll(() => Promise.all(actors.map((actor) => actor.close())));

  test.each(interleavings)("$name", async (interleaving) => {
    for (const [a, b] of [
      [own, typeScript],
      [typeScript, own],
      [own, other],
    ] as [Actor, Actor][])
      await new Stage(client, keyspace, randomUUID(), a, b).play(interleaving);
  });
});

describe("the same in TypeScript alone", () => {
  const [a, b] = [new TypeScriptActor(keyspace), new TypeScriptActor(keyspace)];
  afterAll(() => Promise.all([a.close(), b.close()]));

  test.each(interleavings)("$name", async (interleaving) => {
    await new Stage(client, keyspace, randomUUID(), a, b).play(interleaving);
  });
});
