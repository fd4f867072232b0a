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
}

const weakRules = (weaker: Partial<typeof rules>): HistoryOptions => ({ weakening: { rules: () => weaker } });

export const mutants: readonly Mutant[] = [
  {
    name: "the rows of a version are written in two batches",
    options: { weakening: { session: inTwoBatches } },
  },
  {
    name: "complete at the present time",
    options: weakRules({
      completing: (id, savedAt, now) => [
        { kind: "delete-task", id, at: now },
        { kind: "delete-entry", savedAt, id, at: now },
      ],
    }),
  },
  {
    name: "a replaced version loses its task row, too",
    options: weakRules({ removingReplaced: (id, savedAt) => rules.completing(id, savedAt, 0n) }),
  },
  {
    name: "the entry of a replaced version goes in the save's own batch",
    options: weakRules({
      replacing: (id, replaced) => replaced.flatMap((savedAt) => rules.removingReplaced(id, savedAt)),
    }),
  },
  {
    name: "a replaced version is completed before the save is answered",
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
  { name: "a save counts however late its answer comes", options: weakRules({ isAcknowledged: () => true }) },
  {
    name: "after a save of unknown outcome a task keeps its old version",
    options: weakRules({ versionAfterUnknown: () => undefined }),
  },
  { name: "a pass ends at the reader's present time", options: weakRules({ passBound: (startedAt) => startedAt }) },
  { name: "a pass leaves out what a wild clock saved", options: weakRules({ passEnd: (bound) => bound }) },
  {
    name: "a replaced entry is skipped wherever its successor's lies",
    options: weakRules({
      judge: (place, row, successor) =>
        successor?.found && successor.bound >= (row as Version) ? "skip" : rules.judge(place, row, successor),
    }),
  },
  {
    name: "a replaced entry is never skipped",
    options: weakRules({
      judge: (place, row, successor) => (successor ? "yield-replacement" : rules.judge(place, row, successor)),
      remembersElsewhere: false,
    }),
  },
  {
    name: "a replaced entry is always skipped",
    options: weakRules({
      judge: (place, row) => (row === place.savedAt ? "yield" : "skip"),
    }),
  },
  { name: "what was yielded elsewhere is not remembered", options: weakRules({ remembersElsewhere: false }) },
  {
    name: "the age limit is taken after the reads",
    options: weakRules({ removalLimit: ({ now }, { margin }) => now - margin }),
  },
  {
    name: "the age limit is the present time",
    options: weakRules({ removalLimit: ({ before }) => before }),
  },
  {
    name: "the age limit is by the host's own clock",
    options: weakRules({ removalLimit: ({ before }, { margin }) => before - margin }),
  },
  { name: "an entry without a task goes at any age", options: weakRules({ mayRemoveAbsent: () => true }) },
  {
    name: "an entry without a task goes at an age taken after the reads",
    options: { weakening: { rules: absentByPresentTime } },
  },
  {
    name: "a replaced entry goes when its successor's was not seen",
    options: weakRules({
      mayRemoveReplaced: (replacement, _seen, now, limits) => rules.mayRemoveReplaced(replacement, true, now, limits),
    }),
  },
  {
    name: "a replaced entry goes whatever the age of its successor",
    options: weakRules({ mayRemoveReplaced: (_replacement, seen) => seen }),
  },
  {
    name: "a save does not move past the version that it replaces",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastReplaced: false }) } },
  },
  {
    name: "versions are not monotonic in a process",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMade: false }) } },
  },
  {
    name: "a process does not move past the versions that it meets",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMet: false }) } },
  },
  { name: "read repair is off", options: { cluster: { hasReadRepair: false } } },
  { name: "reads at ONE", options: { cluster: { reads: "ONE" } } },
  { name: "writes at ONE", options: { cluster: { writes: "ONE" } } },
  {
    name: "LOCAL_QUORUM in two data centres",
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

/** Throws where there is none of that name. */
export function findMutant(name: string): Mutant {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant) return mutant;
  throw new Error(`there is no mutant "${name}"; there are:\n${mutants.map((one) => one.name).join("\n")}`);
}
