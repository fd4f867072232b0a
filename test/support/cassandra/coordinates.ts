import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { inject } from "vitest";
import type { Coordinates } from "./supply.js";

/**
 * Where the tests find Cassandra. Importing this module waits until it is running: not in a hook, whose time is limited,
 * since on a new machine the jars or the image are downloaded first.
 */
export const cassandra: Coordinates = await ask(inject("cassandraDesk"));

async function ask(desk: string | undefined): Promise<Coordinates> {
  if (desk === undefined)
    throw new Error("this test needs Cassandra: give its project test/support/cassandra/global-setup.ts");
  // Not fetch, which gives up after five minutes.
  const [response] = (await once(get(desk, { agent: false }), "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error("Cassandra could not be started; the run's output says why");
  return (await json(response)) as Coordinates;
}
