import type { Partition } from "../../src/adapters/cassandra/model/partition.js";
import type { LedgerPlace, LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";
import type { Version } from "../../src/core/version.js";
import { EPOCH } from "./cluster.js";
import { fraction, mix, pick } from "./random.js";

/** A call of a session, and its description. */
export interface Call {
  readonly what: string;
  readonly read: (session: LedgerSession, partition: Partition) => Promise<unknown>;
}

const TIMEOUT = 30_000;

/** One id is a prefix of another, and one is not ASCII. */
const ids = ["a", "aa", "b", "ü"];

const mutationKinds = [
  "put-task",
  "put-entry",
  "put-entry",
  "delete-task",
  "delete-entry",
  "delete-entries",
  "put-sweep",
] as const;

const readSweep: Call = {
  what: "the last sweep",
  read: (session, partition) => session.readSweep(partition, TIMEOUT),
};

/** Random mutations and reads of one small partition: many share a place or a timestamp. */
export class CallGenerator {
  readonly #seed: number;
  #rolls = 0;
  /** Of two sweeps with the same timestamp, the one that expires later wins: this depends on the time of day. */
  readonly #sweptTo = new Set<Version>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** From 0 to below 1. */
  roll(): number {
    return fraction(mix(this.#seed, this.#rolls++));
  }

  batch(): Mutation[] {
    return Array.from({ length: 1 + Math.floor(4 * this.roll()) }, () => this.#mutation());
  }

  read(): Call {
    const place = this.#place();
    const { savedAt, id } = place;
    switch (pick(["tasks", "entries", "entries", "entries", "last", "entry", "sweep"] as const, this.roll())) {
      case "tasks":
        return readTasks([this.#id(), ...ids.filter(() => this.roll() < 0.4)]);
      case "entries":
        return readEntries(
          { savedAt, id: pick(["", id], this.roll()) },
          this.#version(),
          pick([1, 2, 3, 9], this.roll()),
        );
      case "last":
        return {
          what: `the last entry past ${savedAt}`,
          read: (session, partition) => session.readLastEntry(partition, savedAt, TIMEOUT),
        };
      case "entry":
        return {
          what: `the entry ${savedAt} ${id}`,
          read: (session, partition) => session.hasEntry(partition, place, TIMEOUT),
        };
      case "sweep":
        return readSweep;
    }
  }

  #id(): string {
    return pick(ids, this.roll());
  }

  #version(): Version {
    return EPOCH + BigInt(Math.floor(12 * this.roll()));
  }

  #place(): LedgerPlace {
    return { savedAt: this.#version(), id: this.#id() };
  }

  #mutation(): Mutation {
    const { savedAt, id } = this.#place();
    const at = pick([savedAt, this.#version()], this.roll());
    const size = Math.floor(200 * this.roll());
    const kind = pick(mutationKinds, this.roll());
    switch (kind) {
      case "put-task":
        return { kind, id, savedAt, body: Buffer.alloc(1 + (size % 5), size) };
      case "put-entry":
        return { kind, savedAt, id, size };
      case "delete-task":
        return { kind, id, at };
      case "delete-entry":
        return { kind, savedAt, id, at };
      case "delete-entries":
        return { kind, after: savedAt, before: savedAt + BigInt(1 + (size % 6)), at };
      case "put-sweep":
        return { kind, ranges: this.#ranges(), at: this.#newSweptTo() };
    }
  }

  #ranges(): { after: Version; before: Version }[] {
    return Array.from({ length: Math.floor(3 * this.roll()) }, () => {
      const after = this.#version();
      return { after, before: after + 2n };
    });
  }

  #newSweptTo(): Version {
    let at = this.#version();
    while (this.#sweptTo.has(at)) at++;
    this.#sweptTo.add(at);
    return at;
  }
}

/** Reads everything. */
export const readAll: readonly Call[] = [
  readTasks(ids),
  readEntries({ savedAt: 0n, id: "" }, 2n * EPOCH, 500),
  readSweep,
];

function readTasks(some: readonly string[]): Call {
  return {
    what: `the tasks ${some}`,
    async read(session, partition) {
      const rows = await session.readTasks(partition, some, TIMEOUT);
      return Object.fromEntries(
        rows.map(({ id, savedAt, body }) => [id, `${savedAt} ${Buffer.from(body).toString("hex")}`]),
      );
    },
  };
}

function readEntries(after: LedgerPlace, upTo: Version, limit: number): Call {
  return {
    what: `${limit} entries past ${after.savedAt} ${after.id} up to ${upTo}`,
    read: async (session, partition) => (await session.readEntries(partition, { after, upTo, limit }, TIMEOUT)).entries,
  };
}
