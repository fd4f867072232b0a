import { ledgerRules as rules } from "../../src/adapters/cassandra/rules.js";
import { type LedgerSession, SessionError } from "../../src/adapters/cassandra/session.js";
import { shardOf } from "../../src/adapters/cassandra/shard.js";
import type { HistoryOptions } from "./history.js";
import { LIST } from "./operations.js";
import type { Breach } from "./oracle.js";
import { WeakClock } from "./weak-clock.js";
import { calm } from "./weather.js";

/** The adapter with a rule made weaker, or the cluster with one of its settings: what is noticed, or why it is not. */
export interface Mutant {
  readonly name: string;
  readonly options: HistoryOptions;
  /** The promise that it breaks. */
  readonly breaks?: Breach;
  /** Where the oracle notices it. */
  readonly seed?: number;
  /** What makes that likely, where the seed's own weather does not. */
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
    options: weakRules({
      completing: (id, savedAt, now) => [
        { kind: "delete-task", id, at: now },
        { kind: "delete-entry", savedAt, id, at: now },
      ],
    }),
  },
  {
    name: "a replaced version loses its task row, too",
    seed: 41004,
    breaks: "find misses an open task",
    weather: { ...calm, slow: 0.3, lost: 0.15 },
    options: weakRules({ removingReplaced: (id, savedAt) => rules.completing(id, savedAt, 0n) }),
  },
  {
    name: "the entry of a replaced version goes in the save's own batch",
    seed: 728,
    breaks: "in the end no entry leads to a task",
    options: weakRules({
      replacing: (id, replaced) => replaced.flatMap((savedAt) => rules.removingReplaced(id, savedAt)),
    }),
  },
  {
    name: "a replaced version is completed before the save is answered",
    seed: 152,
    breaks: "in the end no entry leads to a task",
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
    breaks: "in the end no entry leads to a task",
    // Where the deadline is shorter than half the margin, and the timers are in time, it ends such saves before.
    options: { ...weakRules({ isAcknowledged: () => true }), ledger: { deadline: 30_000 } },
  },
  {
    name: "after a save of unknown outcome a task keeps its old version",
    seed: 591,
    breaks: "all gives a completed task",
    options: weakRules({ versionAfterUnknown: () => undefined }),
  },
  {
    name: "a pass ends at the reader's present time",
    whyItStays:
      "the last entry past it is looked for all the same, and would be there in most passes, to be read up to",
    options: weakRules({ passBound: (startedAt) => startedAt }),
  },
  {
    name: "a pass ends at the reader's present time, and looks for nothing beyond",
    seed: 72,
    breaks: "all misses an open task",
    weather: calm,
    options: weakRules({ passBound: (startedAt) => startedAt, passEnd: (bound) => bound }),
  },
  {
    name: "a pass leaves out what a wild clock saved",
    seed: 13,
    breaks: "all misses an open task",
    options: weakRules({ passEnd: (bound) => bound }),
  },
  {
    name: "a replaced entry is skipped where its successor's was seen, though not at hand",
    seed: 11141,
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
      judge: (place, row, successor) => (successor ? "yield-replacement" : rules.judge(place, row, successor)),
      remembersElsewhere: false,
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
    options: weakRules({ remembersElsewhere: false }),
  },
  {
    name: "the age limit is taken after the reads",
    seed: 849,
    breaks: "in the end no entry leads to a task",
    weather: { pause: 0.15, crash: 0, lost: 0, wildClock: 0 },
    options: weakRules({ removalLimit: ({ now }, { margin }) => now - margin }),
  },
  {
    name: "the age limit is the present time",
    seed: 189,
    breaks: "in the end no entry leads to a task",
    options: weakRules({ removalLimit: ({ before }) => before }),
  },
  {
    name: "sweeps have a smaller margin than saves",
    seed: 189,
    breaks: "in the end no entry leads to a task",
    options: weakRules({
      removalLimit: (clock, { margin, ...limits }) => rules.removalLimit(clock, { ...limits, margin: margin / 8n }),
    }),
  },
  {
    name: "the age limit is by the host's own clock",
    seed: 189,
    breaks: "in the end no entry leads to a task",
    weather: { wildClock: 0.5, crash: 0, pause: 0 },
    options: weakRules({ removalLimit: ({ before }, { margin }) => before - margin }),
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
      "a reader that is stopped for the margin between its read and the removal would undo a save that took long",
    options: { weakening: { rules: absentByPresentTime } },
  },
  {
    name: "a replaced entry goes when its successor's was not seen",
    seed: 1702,
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
    seed: 2472,
    breaks: "a version is not later",
    options: { weakening: { clock: (wall, limit) => new WeakClock(wall, limit, { pastMet: false }) } },
  },
  {
    name: "read repair is off",
    seed: 100,
    breaks: "all misses an open task",
    options: { cluster: { hasReadRepair: false } },
  },
  { name: "reads at ONE", seed: 6, breaks: "find misses an open task", options: { cluster: { reads: "ONE" } } },
  { name: "writes at ONE", seed: 9, breaks: "find misses an open task", options: { cluster: { writes: "ONE" } } },
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

/** Where one of two batches fails, the other may have been applied. */
function asUnknown(error: unknown): unknown {
  return error instanceof SessionError ? new SessionError(error.kind, true, error.message, error) : error;
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
