import type { Coordinates } from "./supply.js";

/** The URL of a keyspace's store. */
export function cassandraUrl(
  {
    contactPoints,
    localDataCenter,
    credentials,
  }: Pick<Coordinates, "contactPoints" | "localDataCenter" | "credentials">,
  keyspace: string,
): string {
  const user = credentials && [credentials.username, credentials.password].map(encodeURIComponent).join(":");
  return `cassandra://${user ? `${user}@` : ""}${contactPoints.join(",")}/${keyspace}?datacenter=${localDataCenter}`;
}
