import type { OperationOptions } from "../core/abort.js";
import type { TaskError } from "../core/errors.js";
import type { TaskKey } from "../core/keys.js";
import type { Version, VersionClock } from "../core/version.js";
import type { ClaimStore } from "./claim-store.js";

export type { OperationOptions, TaskKey, Version, VersionClock };

/** A save: the task's keys, its body, and what it replaces. */
export interface SaveEntry extends TaskKey {
  /** The full name of the data's message. For people who look into the store: code trusts only the body. */
  readonly type: string;
  /**
   * The versions that the holder knows of and that this save replaces, the latest first: the one it was read at or
   * saved as, and those that saves of unknown outcome may have left behind it. Empty for a blind save.
   */
  readonly replaces: readonly Version[];
  /** The bytes of the envelope without `saved_at`, which the store gives it. Adapters do not change them. */
  readonly body: Uint8Array;
}

/** An open task as it is stored: the envelope is the body with `saved_at`. */
export interface StoredTask {
  /** The task's id. */
  readonly id: string;
  /** The task's version: when it was saved. */
  readonly savedAt: Version;
  /** The bytes that were saved as this version. They are the caller's to change. */
  readonly body: Uint8Array;
  /**
   * When it was saved, in microseconds since 1970, where the store knows that its version lies ahead of that time: the clock
   * had been set back. Given by listings without bodies, if at all.
   */
  readonly savedTime?: Version | undefined;
}

/** A complete, of the version that the caller saw. */
export interface CompleteEntry extends TaskKey {
  /** The latest version to remove (inclusive). */
  readonly savedAt: Version;
}

/** The result of an entry: its value, or its error. */
export type Outcome<T> =
  | {
      /** The entry has been applied. */
      readonly ok: true;
      /** Of a save, the task's new version. */
      readonly value: T;
    }
  | {
      /** The entry failed. */
      readonly ok: false;
      /** Why; its `outcome` tells whether the entry may have been applied. */
      readonly error: TaskError;
      /** The version of a save whose outcome is unknown. */
      readonly attempted?: Version | undefined;
    };

/** Options of writes. */
export interface WriteOptions extends OperationOptions {
  /** Part of a bulk call: apply backpressure instead of failing with OVERLOADED. @defaultValue false */
  readonly isBulk?: boolean | undefined;
}

/** Options of a listing. */
export interface AllOptions extends OperationOptions {
  /** Maximum number of tasks in a page. */
  readonly pageSize: number;
  /** Maximum number of bytes of bodies in a page; a single task may have more. */
  readonly maxPageBytes: number;
  /**
   * Only tasks that were saved before this time, in microseconds since 1970. A task that was saved further in the future than
   * clocks may differ was saved by a wrong clock: it may be of any age, and is returned, too.
   */
  readonly savedBefore?: Version | undefined;
  /** Only versions later than this one: to continue where an earlier listing has ended. */
  readonly after?: Version | undefined;
  /** Returns empty bodies: to count tasks, or to read only their keys and versions. @defaultValue false */
  readonly withoutBodies?: boolean | undefined;
}

/** A result of `diagnose`, for people. */
export interface Finding {
  /** What was checked, in one word: `clock`. */
  readonly check: string;
  /** `problem`: tasks may be lost, or can't be saved. `warning`: this may happen later, or sometimes. */
  readonly status: "ok" | "warning" | "problem";
  /** What was found, without a full stop. */
  readonly text: string;
  /** What to do, unless the status is `ok`. */
  readonly advice?: string | undefined;
}

/**
 * One datastore. An adapter knows keys, versions and bodies, never tasks, and works on many at once. The comments here are
 * its contract; the suite in `taskledger/testing` checks it.
 */
export interface Adapter {
  /** Connects and checks the store. Idempotent; every other method implies it. */
  open(options?: OperationOptions): Promise<void>;

  /**
   * Saves each entry durably; resolves to one outcome per entry, in order. An older version of the task is replaced.
   *
   * The new version is later than all that it replaces, and than all that this process has made or seen, except those far
   * ahead of the clock ({@link VersionClock}); versions rise in the order of the entries. If several entries have the same
   * key, each has its own version, and the last wins. The outcome of an entry that fails is its error; the others are still
   * saved. Rejects only if none could be tried.
   */
  save(entries: readonly SaveEntry[], options?: WriteOptions): Promise<readonly Outcome<Version>[]>;

  /**
   * The open tasks, in the order of the keys, with undefined for those that are not open.
   */
  find(keys: readonly TaskKey[], options?: OperationOptions): Promise<readonly (StoredTask | undefined)[]>;

  /**
   * The open tasks of a list, oldest version first, in pages; each version once. Every task that was open before the
   * first pull, and is not changed before it is reached, is returned; one that was saved again meanwhile is returned in its
   * newer version, or by the next listing: a listing ends even if tasks are saved all the time. Nothing is read before the
   * first pull, and at most a page ahead; no lock or transaction is held between pulls; `return()` frees everything. No page
   * is empty. If its signal is aborted or the adapter closed before its end, a listing fails at the next pull.
   */
  all(taskList: string, options: AllOptions): AsyncIterable<readonly StoredTask[]>;

  /**
   * Removes the versions of each task up to the given one (inclusive), never a later one; a missing task is a success. A
   * save of a version up to it that arrives later does not bring the task back; one that this process makes later has a
   * later version.
   */
  complete(entries: readonly CompleteEntry[], options?: WriteOptions): Promise<readonly Outcome<void>[]>;

  /** Waits for what is in flight. Later calls fail with CLOSED. Idempotent. */
  close(): Promise<void>;

  /**
   * Saves all entries or none of them, also of different lists. Only for stores with transactions. Otherwise like `save`.
   * Resolves to their versions, in order; rejects with the error of the first that can't be saved.
   */
  saveTogether?(entries: readonly SaveEntry[], options?: OperationOptions): Promise<readonly Version[]>;

  /**
   * The names of all lists that have an open task, in pages, each name once, in no particular order. A list whose
   * tasks have all been completed may be among them. Nothing is read before the first pull. No page is empty.
   */
  lists?(options?: OperationOptions): AsyncIterable<readonly string[]>;

  /**
   * Checks what may go wrong with the store: `taskledger doctor` prints it. Writes nothing. Rejects only if the store can't be
   * reached; other problems are among the findings.
   */
  diagnose?(options?: OperationOptions): Promise<readonly Finding[]>;

  /** Claims, if the store has them. */
  readonly claims?: ClaimStore;
}
