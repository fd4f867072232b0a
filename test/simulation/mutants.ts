import type { SaveEntry } from "../../src/adapter/adapter.js";
import { ledgerRules as rules } from "../../src/adapters/cassandra/ledger/rules.js";
import { partitionOf } from "../../src/adapters/cassandra/model/partition.js";
import { type LedgerSession, type Mutation, SessionError } from "../../src/adapters/cassandra/model/session.js";
import type { Access } from "./client.js";
import type { HistoryOptions } from "./history.js";
import type { Breach } from "./oracle.js";
import { WeakClock } from "./weak-clock.js";
import { calm } from "./weather.js";

/** The adapter with a weaker rule, or the cluster with a weaker setting: how it is noticed, or why it is not. */
export interface Mutant {
  readonly name: string;
  readonly options: HistoryOptions;
  /** The promise that it breaks. */
  readonly breaks?: Breach;
  /** In which history the oracle notices it. */
  readonly seed?: number;
  /** Weather that makes it likely, if the seed's own does not. */
  readonly weather?: HistoryOptions["weather"];
  /** Why the rule is kept, although no history that was tried needs it. */
  readonly whyItStays?: string;
}

const weakRules = (weaker: Partial<typeof rules>): HistoryOptions => ({ weakening: { rules: () => weaker } });

export const mutants: readonly Mutant[] = [
  {
    name: "the rows of a version are written in two batches",
    seed: 187,
    breaks: "in the end all misses a task",
    options: { weakening: { session: inTwoBatches } },
  },
  {
    name: "complete at the present time",
    seed: 3,
    breaks: "in the end a task is lost",
    options: {
      weakening: {
        rules: ({ now }) => ({
          completing: (id, savedAt) => rules.completing(id, savedAt).map((mutation) => ({ ...mutation, at: now() })),
        }),
      },
    },
  },
  {
    name: "a replaced version loses its task row, too",
    seed: 41004,
    breaks: "find misses an open task",
    weather: { ...calm, slow: 0.3, lost: 0.15 },
    options: weakRules({ removingReplaced: (id, savedAt) => rules.completing(id, savedAt) }),
  },
  {
    name: "the entry of a replaced version goes in the save's own batch",
    seed: 728,
    breaks: "in the end no entry leads to a task",
    options: weakRules({ saving: (entry, savedAt) => [...rules.saving(entry, savedAt), ...removingReplaced(entry)] }),
  },
  {
    name: "a replaced version is completed before the save is answered",
    seed: 152,
    breaks: "in the end no entry leads to a task",
    options: {
      weakening: {
        rules: ({ session, shards }) => ({
          saving(entry, savedAt) {
            const mutations = removingReplaced(entry);
            if (mutations.length > 0) session.apply(partitionOf(entry, shards), mutations, 1000).catch(() => undefined);
            return rules.saving(entry, savedAt);
          },
        }),
      },
    },
  },
  {
    name: "a save counts however late its answer comes",
    seed: 882,
    breaks: "in the end no entry leads to a task",
    // If the deadline is shorter than half the grace period, and timers are on time, the deadline ends such saves earlier.
    options: { ...weakRules({ isAcknowledged: () => true }), ledger: { deadline: 30_000 } },
  },
  {
    name: "after a save of unknown outcome a task keeps its old version",
    seed: 591,
    breaks: "all gives a completed task",
    options: {
      weakening: { outcome: (outcome) => (outcome.ok ? outcome : { ...outcome, attempted: undefined }) },
    },
  },
  {
    name: "a pass ends at the reader's present time",
    whyItStays:
      "the last entry past it is looked for all the same, and would be there in most passes, to be read up to",
    options: weakRules({ scanBound: (startedAt) => startedAt }),
  },
  {
    name: "a pass ends at the reader's present time, and looks for nothing beyond",
    seed: 72,
    breaks: "all misses an open task",
    weather: calm,
    options: weakRules({ scanBound: (startedAt) => startedAt, scanEnd: (bound) => bound }),
  },
  {
    name: "a pass leaves out what a wild clock saved",
    seed: 13,
    breaks: "all misses an open task",
    options: weakRules({ scanEnd: (bound) => bound }),
  },
  {
    name: "a replaced entry is skipped where its successor's was seen, though not at hand",
    seed: 65,
    breaks: "all misses an open task",
    weather: { ...calm, one: 0.5 },
    options: weakRules({
      judge: (place, row, successor) => (successor?.found ? "skip" : rules.judge(place, row, successor)),
    }),
  },
  {
    name: "a replaced entry is never skipped",
    seed: 3,
    breaks: "all gives a version twice",
    options: weakRules({
      judge: (place, row, successor) => (successor ? "yield" : rules.judge(place, row, successor)),
    }),
  },
  {
    name: "a replaced entry is always skipped",
    seed: 503,
    breaks: "all misses an open task",
    options: weakRules({
      judge: (place, row) => (row === place.savedAt ? "yield" : "skip"),
    }),
  },
  {
    name: "what was yielded elsewhere is not remembered",
    seed: 115,
    breaks: "all gives a version twice",
    options: weakRules({
      judge(...known) {
        const verdict = rules.judge(...known);
        return verdict === "yield-replacement" ? "yield" : verdict;
      },
    }),
  },
  {
    name: "the age limit is taken after the reads",
    whyItStays:
      "a sweep reads no further than its limit, so that this shows where a scan is stopped for the grace period before it " +
      "sweeps what it has read",
    options: {
      weakening: { rules: ({ now }) => ({ removalLimit: (_, { gracePeriod }) => now() - gracePeriod }) },
    },
  },
  {
    name: "the age limit is the present time",
    seed: 1071,
    breaks: "in the end no entry leads to a task",
    options: weakRules({ removalLimit: ({ host }) => host }),
  },
  {
    name: "sweeps have a smaller grace period than saves",
    seed: 2539,
    breaks: "all misses an open task",
    options: weakRules({
      removalLimit: (start, { gracePeriod, ...limits }) =>
        rules.removalLimit(start, { ...limits, gracePeriod: gracePeriod / 16n }),
    }),
  },
  {
    name: "the age limit is by the host's own clock",
    seed: 189,
    breaks: "in the end no entry leads to a task",
    weather: { wildClock: 0.5, crash: 0, pause: 0 },
    options: weakRules({ removalLimit: ({ host }, { gracePeriod }) => host - gracePeriod }),
  },
  {
    name: "an entry without a task goes at any age",
    seed: 180,
    breaks: "in the end a task is lost",
    weather: { slow: 0.3, one: 0.05, crash: 0, pause: 0, lost: 0.02 },
    options: weakRules({ mayRemoveAbsent: () => true }),
  },
  {
    name: "an entry without a task goes at an age taken after the reads",
    whyItStays:
      "a reader that is stopped for the grace period between its read and the removal would undo a save that took long",
    options: { weakening: { rules: absentByPresentTime } },
  },
  {
    name: "a replaced entry goes when its successor's was not seen",
    seed: 2606,
    breaks: "all misses an open task",
    weather: { ...calm, one: 0.5 },
    options: weakRules({
      mayRemoveReplaced: (replacement, _seen, now, limits) => rules.mayRemoveReplaced(replacement, true, now, limits),
    }),
  },
  {
    name: "a replaced entry goes whatever the age of its successor",
    seed: 363,
    breaks: "in the end no entry leads to a task",
    weather: { one: 0.4, pause: 0.15, crash: 0.02, lost: 0, slow: 0 },
    options: weakRules({ mayRemoveReplaced: (_replacement, seen) => seen }),
  },
  {
    name: "a save does not move past the version that it replaces",
    seed: 37,
    breaks: "a version is not later",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastReplaced: false }) } },
  },
  {
    name: "versions are not monotonic in a process",
    seed: 1,
    breaks: "a version is not later",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMade: false }) } },
  },
  {
    name: "a process does not move past the versions that it meets",
    seed: 234,
    breaks: "a version is not later",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMet: false }) } },
  },
  {
    name: "read repair is off",
    seed: 412,
    breaks: "all misses an open task",
    options: { cluster: { hasReadRepair: false } },
  },
  { name: "reads at ONE", seed: 56, breaks: "find misses an open task", options: { cluster: { reads: "ONE" } } },
  { name: "writes at ONE", seed: 37, breaks: "find misses an open task", options: { cluster: { writes: "ONE" } } },
  {
    name: "LOCAL_QUORUM in two data centres",
    seed: 4,
    breaks: "all misses an open task",
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
    const outcomes = await Promise.allSettled(both.map((some) => session.apply(partition, some, timeout)));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw asUnknown(outcome.reason);
  };
  return weak;
}

/** If one of two batches fails, the other may have been applied. */
function asUnknown(error: unknown): unknown {
  return error instanceof SessionError ? new SessionError(error.kind, true, error.message, error) : error;
}

function absentByPresentTime({ now }: Access): Partial<typeof rules> {
  let least = 0n;
  return {
    removalLimit(start, limits) {
      least = limits.gracePeriod;
      return rules.removalLimit(start, limits);
    },
    mayRemoveAbsent: (place) => place.savedAt < now() - least,
  };
}

function removingReplaced({ id, replaces }: SaveEntry): Mutation[] {
  return replaces.flatMap((savedAt) => rules.removingReplaced(id, savedAt));
}

/** The options for histories of a mutant. */
export function optionsOf({ options, weather }: Mutant): HistoryOptions {
  return weather === undefined ? options : { ...options, weather };
}

/** Throws if there is no mutant of that name. */
export function findMutant(name: string): Mutant {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant) return mutant;
  throw new Error(`there is no mutant "${name}"; there are:\n${mutants.map((one) => one.name).join("\n")}`);
}
