/** Offsets are in microseconds from the moment at which an interleaving begins. */
type Offset = number;
type Who = "A" | "B";
type Fault = "answer" | "request";

/** What one of two processes does, its clock standing at `at`. Tasks go by the names of those who hold them. */
export type Step =
  /** Saves the task that it holds; a new one, if it holds none. */
  | { by: Who; save: string; at: Offset; id?: string; fault?: Fault; fails?: string; gives?: Offset }
  | { by: Who; complete: string; at: Offset; fault?: Fault; fails?: string }
  /** Holds what it finds; `gives` is its version, or null. */
  | { by: Who; find: string; at: Offset; id?: string; gives?: Offset | null }
  /** Hands bytes over. */
  | { hand: string; to: string }
  /** Lists; `gives` has the versions in order. */
  | { by: Who; list: true; at: Offset; gives: readonly Offset[] }
  /** Writes a row of the version as somebody else's save did, or as much of it as came through. */
  | { write: "task" | "entry"; at: Offset; id?: string }
  /** Notes that all between two versions is completed. */
  | { sweep: readonly [after: Offset, before: Offset] };

export interface Interleaving {
  readonly name: string;
  readonly steps: readonly Step[];
  /** The version in the task's row at the end, and the entries of its ledger; not looked at where they are left out. */
  readonly row?: Offset | null;
  readonly entries?: readonly Offset[];
}

const second = 1_000_000;

/** Further ahead than a clock can be right. */
const wild = 100 * second;

/** Who holds what, when: each must end as it does in TypeScript, whichever languages the two processes are in. */
export const interleavings: readonly Interleaving[] = [
  {
    name: "a saved task is open",
    steps: [
      { by: "A", save: "x", at: 0, gives: 0 },
      { by: "B", list: true, at: 0, gives: [0] },
      { by: "B", find: "y", at: 0, gives: 0 },
    ],
    row: 0,
    entries: [0],
  },
  {
    name: "a worker completes what it was handed",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "B", complete: "y", at: 50 },
      { by: "A", find: "z", at: 50, gives: null },
    ],
    row: null,
    entries: [],
  },
  {
    name: "a task is completed twice",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "B", complete: "y", at: 50 },
      { by: "A", complete: "x", at: 60 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "an older holder completes: the later save stays",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "A", save: "x", at: 1000, gives: 1000 },
      { by: "B", complete: "y", at: 2000 },
      { by: "B", list: true, at: 2000, gives: [1000] },
    ],
    row: 1000,
    entries: [1000],
  },
  {
    name: "an older holder completes after the later one was completed",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "A", save: "x", at: 1000 },
      { by: "A", complete: "x", at: 1500 },
      { by: "B", complete: "y", at: 2000 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "a later save removes the entry that it replaced",
    steps: [
      { by: "A", save: "x", at: 0 },
      { by: "A", save: "x", at: 1000 },
      { by: "A", save: "x", at: 2000, gives: 2000 },
    ],
    row: 2000,
    entries: [2000],
  },
  {
    name: "a save that follows a find is later, whatever the clock says",
    steps: [
      { by: "A", save: "x", at: 1000 },
      { by: "B", find: "y", at: 0, gives: 1000 },
      { by: "B", save: "y", at: 500, gives: 1001 },
    ],
    row: 1001,
    entries: [1001],
  },
  {
    name: "a save that follows a handing over is later, whatever the clock says",
    steps: [
      { by: "A", save: "x", at: 1000 },
      { hand: "x", to: "y" },
      { by: "B", save: "y", at: 500, gives: 1001 },
    ],
    row: 1001,
    entries: [1001],
  },
  {
    name: "what was listed moves the clock, too",
    steps: [
      { by: "A", save: "x", at: 1000 },
      { by: "B", list: true, at: 500, gives: [1000] },
      { by: "B", save: "new", id: "other", at: 500, gives: 1001 },
    ],
    row: 1000,
    entries: [1000],
  },
  {
    name: "what was completed moves the clock, too: a new task of the same id is not covered",
    steps: [
      { by: "A", save: "x", at: 1000 },
      { hand: "x", to: "y" },
      { by: "B", complete: "y", at: 500 },
      { by: "B", save: "new", at: 500, gives: 1001 },
    ],
    row: 1001,
    entries: [1001],
  },
  {
    name: "versions of one process rise while its clock stands still",
    steps: [
      { by: "A", save: "x", at: 0, gives: 0 },
      { by: "A", save: "new", id: "other", at: 0, gives: 1 },
      { by: "A", save: "x", at: 0, gives: 2 },
    ],
    row: 2,
    entries: [2],
  },
  {
    name: "a blind save with an earlier version loses to the later one",
    steps: [
      { by: "A", save: "x", at: 1000 },
      { by: "B", save: "blind", at: 500, gives: 500 },
      { by: "B", list: true, at: 2000, gives: [1000] },
      { by: "A", complete: "x", at: 3000 },
      { by: "B", list: true, at: 3000, gives: [] },
    ],
    row: null,
  },
  {
    name: "two save in the same microsecond: there is one task, and either completes it",
    steps: [
      { by: "A", save: "x", at: 0, gives: 0 },
      { by: "B", save: "blind", at: 0, gives: 0 },
      { by: "B", list: true, at: 10, gives: [0] },
      { by: "B", complete: "blind", at: 20 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "a save in the microsecond that was completed is completed, too",
    steps: [
      { by: "A", save: "x", at: 0 },
      { by: "A", complete: "x", at: 10 },
      { by: "B", save: "blind", at: 0, gives: 0 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "a late retry of a save does not bring back what was completed",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "B", complete: "y", at: 10 },
      { write: "task", at: 0 },
      { write: "entry", at: 0 },
      { by: "A", list: true, at: 20, gives: [] },
    ],
    row: null,
    entries: [],
  },
  {
    name: "the answer to a save was lost: it is saved, and can be completed",
    steps: [
      { by: "A", save: "x", at: 0, fault: "answer", fails: "unknown", gives: 0 },
      { by: "B", list: true, at: 10, gives: [0] },
      { by: "A", complete: "x", at: 20 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "a save was lost: it is not there, and can be saved again",
    steps: [
      { by: "A", save: "x", at: 0, fault: "request", fails: "unknown", gives: 0 },
      { by: "B", list: true, at: 10, gives: [] },
      { by: "A", save: "x", at: 20, gives: 20 },
    ],
    row: 20,
    entries: [20],
  },
  {
    name: "the answer to a later save was lost: completing covers what it replaced",
    steps: [
      { by: "A", save: "x", at: 0 },
      { by: "A", save: "x", at: 1000, fault: "answer", fails: "unknown", gives: 1000 },
      { by: "B", list: true, at: 1500, gives: [1000] },
      { by: "A", complete: "x", at: 2000 },
      { by: "B", list: true, at: 2500, gives: [] },
    ],
    row: null,
  },
  {
    name: "a later save was lost: completing covers what it would have replaced",
    steps: [
      { by: "A", save: "x", at: 0 },
      { by: "A", save: "x", at: 1000, fault: "request", fails: "unknown", gives: 1000 },
      { by: "B", list: true, at: 1500, gives: [0] },
      { by: "A", complete: "x", at: 2000 },
      { by: "B", list: true, at: 2500, gives: [] },
    ],
    row: null,
  },
  {
    name: "saves of unknown outcome are cleaned up by the next that is acknowledged",
    steps: [
      { by: "A", save: "x", at: 0 },
      { by: "A", save: "x", at: 1000, fault: "answer", fails: "unknown" },
      { by: "A", save: "x", at: 2000, fault: "request", fails: "unknown" },
      { by: "A", save: "x", at: 3000, fault: "answer", fails: "unknown", gives: 3000 },
      { by: "A", save: "x", at: 4000, gives: 4000 },
    ],
    row: 4000,
    entries: [4000],
  },
  {
    name: "an older holder completes after a save of unknown outcome that was applied",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "A", save: "x", at: 1000, fault: "answer", fails: "unknown" },
      { by: "B", complete: "y", at: 2000 },
    ],
    row: 1000,
    entries: [1000],
  },
  {
    name: "an older holder completes after a save of unknown outcome that was lost",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "A", save: "x", at: 1000, fault: "request", fails: "unknown" },
      { by: "B", complete: "y", at: 2000 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "the answer to completing was lost: it is completed, and can be completed again",
    steps: [
      { by: "A", save: "x", at: 0 },
      { by: "A", complete: "x", at: 10, fault: "answer", fails: "unknown" },
      { by: "B", find: "y", at: 20, gives: null },
      { by: "A", complete: "x", at: 30 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "a task that was never saved can't be completed",
    steps: [
      { by: "A", save: "x", at: 60 * second, fails: "CLOCK_SKEW" },
      { by: "A", complete: "x", at: 0, fails: "NOT_SAVED" },
    ],
    row: null,
    entries: [],
  },
  {
    name: "with a clock that is off one can complete, and not save",
    steps: [
      { by: "A", save: "x", at: 0 },
      { hand: "x", to: "y" },
      { by: "B", save: "y", at: 60 * second, fails: "CLOCK_SKEW" },
      { by: "B", save: "y", at: -60 * second, fails: "CLOCK_SKEW" },
      { by: "B", complete: "y", at: 60 * second },
    ],
    row: null,
    entries: [],
  },
  {
    name: "the version of a wild clock moves no other task's",
    steps: [
      { write: "task", at: wild },
      { write: "entry", at: wild },
      { by: "A", find: "x", at: 0, gives: wild },
      { by: "A", save: "new", id: "other", at: 0, gives: 0 },
      { by: "A", save: "x", at: 0, gives: wild + 1 },
      { by: "B", list: true, at: 0, gives: [0, wild + 1] },
      { by: "B", find: "y", at: 0, gives: wild + 1 },
      { by: "B", complete: "y", at: 0 },
    ],
    row: null,
    entries: [],
  },
  {
    name: "an entry without a row leads nowhere",
    steps: [
      { write: "entry", at: 0 },
      { by: "A", list: true, at: 10, gives: [] },
      { by: "B", find: "x", at: 10, gives: null },
    ],
    row: null,
    entries: [0],
  },
  {
    name: "a row without an entry is found, and not listed",
    steps: [
      { write: "task", at: 0 },
      { by: "A", list: true, at: 10, gives: [] },
      { by: "B", find: "x", at: 10, gives: 0 },
      { by: "B", save: "x", at: 20, gives: 20 },
      { by: "A", list: true, at: 30, gives: [20] },
    ],
    row: 20,
    entries: [20],
  },
  {
    name: "the entry of a replaced version yields nothing where the later one is there",
    steps: [
      { write: "task", at: 1000 },
      { write: "entry", at: 0 },
      { write: "entry", at: 1000 },
      { by: "A", list: true, at: 2000, gives: [1000] },
    ],
    row: 1000,
  },
  {
    name: "a task that was saved again comes at its later place",
    steps: [
      { write: "entry", at: 0 },
      { by: "B", save: "other", id: "other", at: 500 },
      { write: "task", at: 1000 },
      { write: "entry", at: 1000 },
      { by: "A", list: true, at: 2000, gives: [500, 1000] },
    ],
    row: 1000,
  },
  {
    name: "the entry of a replaced version yields the later one where that has no entry yet",
    steps: [
      { write: "task", at: 1000 },
      { write: "entry", at: 0 },
      { by: "A", list: true, at: 2000, gives: [1000] },
    ],
    row: 1000,
  },
  {
    name: "two entries of replaced versions yield the later one once",
    steps: [
      { write: "task", at: 1000 },
      { write: "entry", at: 0 },
      { write: "entry", at: 500 },
      { by: "A", list: true, at: 2000, gives: [1000] },
    ],
    row: 1000,
  },
  {
    name: "an entry that is later than the row yields nothing: its save is on the way",
    steps: [
      { write: "task", at: 0 },
      { write: "entry", at: 0 },
      { write: "entry", at: 1000 },
      { by: "A", list: true, at: 2000, gives: [0] },
    ],
    row: 0,
    entries: [0, 1000],
  },
  {
    name: "tasks come in the order of their versions, whatever their shards",
    steps: [
      { by: "A", save: "c", id: "c", at: 30 },
      { by: "B", save: "b", id: "file2.txt", at: 20 },
      { by: "A", save: "a", id: "order 17", at: 40 },
      { by: "B", save: "d", id: "😀", at: 50 },
      { by: "A", list: true, at: 60, gives: [20, 30, 40, 50] },
    ],
  },
  {
    name: "the ends of a swept stretch are listed, and what lies in between is not read",
    steps: [
      { by: "A", save: "x", at: 0 },
      { write: "entry", at: 500 },
      { sweep: [0, 1000] },
      { by: "B", save: "blind", at: 1000 },
      { by: "A", list: true, at: 2000, gives: [1000] },
    ],
    row: 1000,
  },
];
