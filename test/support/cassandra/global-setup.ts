import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { coordinatesOf, sayCoordinates, supplyCassandra } from "./supply.js";

declare module "vitest" {
  interface ProvidedContext {
    /** The URL that answers with the coordinates of Cassandra, as soon as it runs; see coordinates.ts. */
    cassandraDesk: string;
  }
}

/**
 * Starts Cassandra in the background. Vitest starts no test of any project before all its setups have returned, so that
 * waiting here would delay the tests that need no Cassandra; those that need it wait for this URL's answer.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const supply = supplyCassandra();
  supply.then(
    (coordinates) => console.log(sayCoordinates(coordinates)),
    (error) => console.error(error),
  );
  const desk = createServer(async (_request, response) => {
    const answer = await supply.then(coordinatesOf, () => undefined);
    response.writeHead(answer === undefined ? 503 : 200).end(JSON.stringify(answer));
  });
  await new Promise<void>((listening) => desk.listen(0, "127.0.0.1", listening));
  project.provide("cassandraDesk", `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);

  return async () => {
    desk.close();
    desk.closeAllConnections();
    await supply.then(
      ({ stop }) => stop(),
      () => {},
    );
  };
}
