import type { Coordinates } from "../../test/support/cassandra/supply.js";
import type { Context } from "../benchmark.js";

export function coordinatesIn({ cassandra }: Context): Coordinates {
  if (cassandra === undefined) throw new Error("this benchmark needs Cassandra, which its suite must say");
  return cassandra;
}
