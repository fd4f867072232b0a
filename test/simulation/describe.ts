import type { LedgerPlace, Mutation } from "../../src/adapters/cassandra/model/session.js";
import type { Version } from "../../src/core/version.js";
import { EPOCH } from "./cluster.js";

/** A version in seconds of simulated time. */
export function describeVersion(version: Version | undefined): string {
  if (version === undefined) return "nothing";
  const seconds = Number(version - EPOCH) / 1e6;
  return seconds < -1e8 ? "the start" : seconds > 1e9 ? "the end" : seconds.toFixed(6);
}

export function describePlace({ savedAt, id }: LedgerPlace): string {
  return `${id}@${describeVersion(savedAt)}`;
}

export function describeMutation(mutation: Mutation): string {
  switch (mutation.kind) {
    case "put-task":
      return `+task ${describePlace(mutation)}`;
    case "put-entry":
      return `+entry ${describePlace(mutation)}`;
    case "delete-task":
      return `-task ${describePlace({ id: mutation.id, savedAt: mutation.at })}`;
    case "delete-entry":
      return `-entry ${describePlace(mutation)}`;
    case "delete-entries":
      return `-entries ${describeVersion(mutation.after)}..${describeVersion(mutation.before)}`;
    case "put-sweep": {
      const ranges = mutation.ranges.map(
        ({ after, before }) => `${describeVersion(after)}..${describeVersion(before)}`,
      );
      return `sweep up to ${describeVersion(mutation.at)} of ${ranges.join(", ")}`;
    }
  }
}
