import { importDriver } from "../../driver.js";
import type { StoredRow } from "./layout.js";

/** One of the store's tables, as far as it is used here. lmdb-js's own declarations don't compile everywhere. */
export interface Table {
  /** See {@link StoredRow}. */
  getBinaryFast(key: Buffer): StoredRow | undefined;
  getKeys(range: KeyRange): Iterable<Buffer>;
  /** These two, in `ifVersion` or `batch`, are noted and happen later, in another thread. */
  put(key: Buffer, value: Buffer): unknown;
  remove(key: Buffer): unknown;
  /**
   * What `write` notes happens only if the row begins with this number as a float64, or for null if it is not there;
   * resolves to whether it did.
   */
  ifVersion(key: Buffer, version: number | null, write: () => void): Promise<boolean>;
}

export interface KeyRange {
  readonly start?: Buffer;
  /** Not in the range. */
  readonly end?: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export interface Root extends Table {
  openDB(options: object): Table;
  /** These wait for the disk; within the second what is written has happened at once. */
  putSync(key: Buffer, value: Buffer): unknown;
  transactionSync(work: () => void): void;
  /** One transaction for what `write` notes; resolves when it is on the disk. */
  batch(write: () => void): Promise<unknown>;
  resetReadTxn(): void;
  close(): Promise<void>;
  readonly env: NativeEnvironment;
}

/** What the gate needs of lmdb-js. */
export interface GateRoot extends Root {
  /** Takes one of the places of those who read, until `done`. */
  useReadTransaction(): { done(): void };
  /** Clears the places of processes that have died. */
  readerCheck(): number;
  /** A line for each place: process, thread, and the transaction, or `-` where nobody reads. */
  readerList(): string;
}

/** Inside lmdb-js, and nothing that it promises. */
export interface NativeEnvironment {
  /** `done` gets 1 or 2 while the transaction is under way, at its end 0, or the error's number. */
  startWriting(instructions: number, done: (status: number) => unknown): void;
  resumeWriting(): void;
}

/** Keys and values are bytes. */
const bytes = { encoding: "binary", keyEncoding: "binary" };

const options = {
  ...bytes,
  noSubdir: false,
  maxDbs: 3,
  maxReaders: 1000,
  /** Everywhere the same, so that a folder can move to a machine with larger pages; a key fits in 1978 bytes. */
  pageSize: 4096,
  /**
   * A commit is then acknowledged when it is on the disk, by LMDB's own rules. Overlapping syncs, lmdb-js's default,
   * acknowledge one whose last write failed, and reuse pages that a second process needs after a power failure.
   */
  overlappingSync: false,
  /** Batches of its own make promises that nobody sees, and that reject when a commit fails. */
  eventTurnBatching: false,
  /** A batch starts once it is complete, and at once. */
  batchStartThreshold: 1e9,
  txnStartThreshold: 1,
  /**
   * The list of free pages that lmdb-js would keep from one transaction to the next goes wrong once it is longer than a
   * page: pages are given out twice (https://github.com/kriszyp/lmdb-js/issues/321). So it is read anew each time; both
   * numbers have to be there for one to count.
   */
  maxFreeSpaceToRetain: 0,
  maxFreeSpaceToLoad: 50_000,
};

/** Nothing is ever written to it. */
const gateOptions = { ...options, noSubdir: true, maxDbs: 1 };

/** lmdb-js, loaded. Both functions throw what it throws. */
export interface Lmdb {
  /** In a folder. Only while nobody writes there: see gate.ts. */
  openRoot(folder: string): Root;
  openGate(file: string): GateRoot;
}

/** Throws MISSING_DRIVER. */
export async function loadLmdb(): Promise<Lmdb> {
  const { open } = await importDriver("lmdb", () => import("lmdb"));
  return {
    openRoot: (path) => open({ ...options, path } as never) as unknown as Root,
    openGate: (path) => open({ ...gateOptions, path } as never) as unknown as GateRoot,
  };
}

export function openTable(root: Root, name: string): Table {
  return root.openDB({ ...bytes, name });
}
