import { ledgerRules as rules } from "../../src/adapters/cassandra/rules.js";
import type { LedgerSession } from "../../src/adapters/cassandra/session.js";
import { shardOf } from "../../src/adapters/cassandra/shard.js";
import type { Version } from "../../src/version.js";
import type { HistoryOptions } from "./history.js";
import { LIST } from "./operations.js";
import { WeakClock } from "./weak-clock.js";

/** A rule made weaker. */
export interface Mutant {
  readonly name: string;
  readonly options: HistoryOptions;
  /** Where the oracle notices it. */
  readonly seed?: number;
  /** What makes that likely, where the seed's own weather does not. */
  readonly weather?: HistoryOptions["weather"];
  /** Why the rule is kept, although no history that was tried shows the need of it. */
  readonly whyItStays?: string;
}

const weakRules = (weaker: Partial<typeof rules>): HistoryOptions => ({ weakening: { rules: () => weaker } });

export const mutants: readonly Mutant[] = [
  {
    name: "the rows of a version are written in two batches",
    seed: 23,
    options: { weakening: { session: inTwoBatches } },
  },
  {
    name: "complete at the present time",
    seed: 3,
    options: weakRules({
      completing: (id, savedAt, now) => [
        { kind: "delete-task", id, at: now },
        { kind: "delete-entry", savedAt, id, at: now },
      ],
    }),
  },
  {
    name: "a replaced version loses its task row, too",
    seed: 28,
    weather: { one: 0.4, pause: 0.05, crash: 0, lost: 0.3, slow: 0.1 },
    options: weakRules({ removingReplaced: (id, savedAt) => rules.completing(id, savedAt, 0n) }),
  },
  {
    name: "the entry of a replaced version goes in the save's own batch",
    seed: 728,
    options: weakRules({
      replacing: (id, replaced) => replaced.flatMap((savedAt) => rules.removingReplaced(id, savedAt)),
    }),
  },
  {
    name: "a replaced version is completed before the save is answered",
    seed: 152,
    options: {
      weakening: {
        rules: ({ session, shards }) => ({
          replacing(id, replaced) {
            const partition = { taskList: LIST, shard: shardOf(id, shards) };
            const mutations = replaced.flatMap((savedAt) => rules.removingReplaced(id, savedAt));
            if (mutations.length > 0) session.apply(partition, mutations, 1000).catch(() => undefined);
            return [];
          },
        }),
      },
    },
  },
  {
    name: "a save counts however late its answer comes",
    seed: 882,
    options: weakRules({ isAcknowledged: () => true }),
  },
  {
    name: "after a save of unknown outcome a task keeps its old version",
    seed: 507,
    options: weakRules({ versionAfterUnknown: () => undefined }),
  },
  {
    name: "a pass ends at the reader's present time",
    whyItStays:
      "The last entry past the bound is looked for anyway, so that no task is missed. The bound saves that query from finding a row in most passes.",
    options: weakRules({ passBound: (startedAt) => startedAt }),
  },
  { name: "a pass leaves out what a wild clock saved", seed: 13, options: weakRules({ passEnd: (bound) => bound }) },
  {
    name: "a replaced entry is skipped wherever its successor's lies",
    seed: 503,
    options: weakRules({
      judge: (place, row, successor) =>
        successor?.found && successor.bound >= (row as Version) ? "skip" : rules.judge(place, row, successor),
    }),
  },
  {
    name: "a replaced entry is never skipped",
    seed: 3,
    options: weakRules({
      judge: (place, row, successor) => (successor ? "yield-replacement" : rules.judge(place, row, successor)),
      remembersElsewhere: false,
    }),
  },
  {
    name: "a replaced entry is always skipped",
    seed: 213,
    options: weakRules({
      judge: (place, row) => (row === place.savedAt ? "yield" : "skip"),
    }),
  },
  {
    name: "what was yielded elsewhere is not remembered",
    seed: 115,
    options: weakRules({ remembersElsewhere: false }),
  },
  {
    name: "the age limit is taken after the reads",
    seed: 849,
    weather: { pause: 0.15, crash: 0, lost: 0, wildClock: 0 },
    options: weakRules({ removalLimit: ({ now }, { margin }) => now - margin }),
  },
  {
    name: "the age limit is the present time",
    seed: 189,
    options: weakRules({ removalLimit: ({ before }) => before }),
  },
  {
    name: "the age limit is by the host's own clock",
    seed: 189,
    weather: { wildClock: 0.5, crash: 0, pause: 0 },
    options: weakRules({ removalLimit: ({ before }, { margin }) => before - margin }),
  },
  {
    name: "an entry without a task goes at any age",
    seed: 180,
    weather: { slow: 0.3, one: 0.05, crash: 0, pause: 0, lost: 0.02 },
    options: weakRules({ mayRemoveAbsent: () => true }),
  },
  {
    name: "an entry without a task goes at an age taken after the reads",
    whyItStays:
      "It takes a save that is on its way for nearly half the margin, and a reader that is stopped for the rest of it between its read and the removal: what the same mistake in a sweep shows, for one entry.",
    options: { weakening: { rules: absentByPresentTime } },
  },
  {
    name: "a replaced entry goes when its successor's was not seen",
    whyItStays:
      "It takes a save that reached one replica only, whose row was repaired to a quorum while its entry was not, and a writer that died before it tried again: then nothing leads to the task any more.",
    options: weakRules({
      mayRemoveReplaced: (replacement, _seen, now, limits) => rules.mayRemoveReplaced(replacement, true, now, limits),
    }),
  },
  {
    name: "a replaced entry goes whatever the age of its successor",
    seed: 1180,
    weather: { one: 0.4, pause: 0.15, crash: 0.02, lost: 0, slow: 0 },
    options: weakRules({ mayRemoveReplaced: (_replacement, seen) => seen }),
  },
  {
    name: "a save does not move past the version that it replaces",
    seed: 37,
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastReplaced: false }) } },
  },
  {
    name: "versions are not monotonic in a process",
    seed: 1,
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMade: false }) } },
  },
  {
    name: "a process does not move past the versions that it meets",
    seed: 2472,
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMet: false }) } },
  },
  { name: "read repair is off", seed: 100, options: { cluster: { hasReadRepair: false } } },
  { name: "reads at ONE", seed: 6, options: { cluster: { reads: "ONE" } } },
  { name: "writes at ONE", seed: 1, options: { cluster: { writes: "ONE" } } },
  {
    name: "LOCAL_QUORUM in two data centres",
    seed: 4,
    options: { cluster: { dataCenters: 2, reads: "LOCAL_QUORUM", writes: "LOCAL_QUORUM" } },
  },
];

function inTwoBatches(session: LedgerSession): LedgerSession {
  const weak = Object.create(session) as LedgerSession;
  for (const name of ["readTasks", "readEntries", "readLastEntry", "hasEntry", "readSweep", "readClock"] as const)
    Object.assign(weak, { [name]: session[name].bind(session) });
  weak.apply = async (partition, mutations, timeout) => {
    const ofTasks = mutations.filter(({ kind }) => kind.endsWith("task"));
    const others = mutations.filter(({ kind }) => !kind.endsWith("task"));
    const both = [ofTasks, others].filter((some) => some.length > 0);
    await Promise.all(both.map((some) => session.apply(partition, some, timeout)));
  };
  return weak;
}

function absentByPresentTime(): Partial<typeof rules> {
  let limit = 0n;
  return {
    removalLimit(clock, limits) {
      limit = clock.now - limits.margin;
      return rules.removalLimit(clock, limits);
    },
    mayRemoveAbsent: (place) => place.savedAt < limit,
  };
}

/** The options for histories of a mutant. */
export function optionsOf({ options, weather }: Mutant): HistoryOptions {
  return weather === undefined ? options : { ...options, weather };
}

/** Throws where there is none of that name. */
export function findMutant(name: string): Mutant {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant) return mutant;
  throw new Error(`there is no mutant "${name}"; there are:\n${mutants.map((one) => one.name).join("\n")}`);
}
