import { resolve } from "node:path";
import { throwIfAborted, untilAborted } from "../abort.js";
import type { Adapter, AllOptions, CompleteEntry, OperationOptions, Outcome, SaveEntry } from "../adapter.js";
import type { ClaimStore } from "../claim-store.js";
import { invalidArgument, isTaskError, TaskError } from "../errors.js";
import type { TaskKey } from "../keys.js";
import { checkOptions } from "../options.js";
import {
  checkClock,
  DEFAULT_CLOCK_LIMIT,
  latestOf,
  processClock,
  type Version,
  type VersionClock,
} from "../version.js";
import { LmdbClaims } from "./lmdb/claims.js";
import type { Block } from "./lmdb/draft.js";
import type { Environment } from "./lmdb/environment.js";
import { readEnvelope, readVersion, taskKey } from "./lmdb/layout.js";
import { type Range, rangeOf, readPage } from "./lmdb/listing.js";
import { leaveStore, type OpenStore, useStore } from "./lmdb/open-store.js";

export interface LmdbAdapterOptions {
  /**
   * The folder of the store, made if it is not there. Several processes of one machine may use it at once; it must lie
   * on a disk of that machine, not on a network's.
   */
  readonly path: string;
  /** Where versions come from: the process's clock, unless a test brings its own. */
  readonly clock?: VersionClock | undefined;
}

/**
 * Keeps tasks in a folder, by way of LMDB (the package `lmdb`). What is saved or completed is on the disk when the call
 * resolves; calls that are under way at the same time share a transaction.
 *
 * Processes on one folder wait for each other's transactions to be written, and for nothing else that another does. A
 * worker thread must close its adapters before it is terminated: lmdb ends the process otherwise.
 */
export class LmdbAdapter implements Adapter {
  readonly #path: string;
  readonly #clock: VersionClock;
  #opening: Promise<OpenStore> | undefined;
  #closing: Promise<void> | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly claims: ClaimStore;

  /** Throws INVALID_ARGUMENT where the path is no string, or empty. Nothing is opened yet. */
  constructor(options: LmdbAdapterOptions) {
    checkOptions(options);
    const { path, clock = processClock } = options;
    if (typeof path !== "string" || path === "") throw invalidArgument("path", "the name of a folder", path);
    checkClock(clock);
    this.#path = resolve(path);
    this.#clock = clock;
    this.claims = new LmdbClaims({ clock, perform: (signal, action) => this.#perform(signal, action) });
  }

  /**
   * Opens the store, and makes it where there is none. Throws MISSING_DRIVER; SCHEMA_MISMATCH where another program or
   * another version of this one wrote the folder; UNAVAILABLE where it can't be read and written.
   */
  open({ signal }: OperationOptions = {}): Promise<void> {
    return this.#perform(signal, () => {});
  }

  /** A save whose commit failed is UNAVAILABLE; it was not applied, unless the disk failed at the very last write. */
  save(entries: readonly SaveEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<Version>[]> {
    return this.#perform(signal, ({ queue }) =>
      queue.write(entries, (entry, block) => this.#saveOne(entry, block), signal),
    );
  }

  find(keys: readonly TaskKey[], { signal }: OperationOptions = {}): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#perform(signal, ({ environment }) =>
      environment.read(() => keys.map((key) => this.#findOne(environment, key))),
    );
  }

  async *all(taskList: string, options: AllOptions): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    const { savedBefore, signal } = options;
    let range: Range | undefined;
    for (;;) {
      const page = await this.#perform(signal, ({ environment }) =>
        environment.read(() => {
          range ??= rangeOf(environment, taskList, savedBefore);
          return range && readPage(environment, range, options);
        }),
      );
      if (page === undefined) return;
      range = page.rest;
      this.#clock.observe(page.lastSavedAt);
      yield page.envelopes;
    }
  }

  complete(entries: readonly CompleteEntry[], { signal }: OperationOptions = {}): Promise<readonly Outcome<void>[]> {
    return this.#perform(signal, ({ queue }) =>
      queue.write(entries, (entry, block) => this.#completeOne(entry, block), signal),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    const store = await this.#opening?.catch(() => undefined);
    if (store) await leaveStore(store);
  }

  /** Does something with the open store, which stays open until that is done. */
  async #perform<T>(signal: AbortSignal | undefined, action: (store: OpenStore) => T | Promise<T>): Promise<T> {
    if (this.#closing) throw new TaskError("CLOSED", "the adapter has been closed");
    throwIfAborted(signal);
    const done = this.#useStore(signal).then((store) => {
      throwIfAborted(signal);
      return action(store);
    });
    this.#underWay.add(done);
    try {
      return await done;
    } finally {
      this.#underWay.delete(done);
    }
  }

  async #useStore(signal: AbortSignal | undefined): Promise<OpenStore> {
    for (;;) {
      const opening = this.#opening ?? this.#open(() => useStore(this.#path));
      const store = await untilAborted(opening, signal);
      if (!store.environment.failed) return store;
      if (opening === this.#opening) this.#open(() => leaveStore(store).then(() => useStore(this.#path)));
    }
  }

  /** Where it fails, the next call tries again. */
  #open(open: () => Promise<OpenStore>): Promise<OpenStore> {
    const opening = open();
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    return opening;
  }

  #saveOne(entry: SaveEntry, block: Block): Version {
    const task = block.task(taskKey(entry));
    this.#clock.observe(block.draft.latest);
    const savedAt = this.#clock.next(latestOf([...entry.replaces, task.version ?? 0n]));
    block.put(task, savedAt, encode(entry, savedAt));
    if (savedAt <= this.#clock.now() + FAR_AHEAD && savedAt > block.draft.latest) block.draft.latest = savedAt;
    return savedAt;
  }

  #completeOne(entry: CompleteEntry, block: Block): void {
    const task = block.task(taskKey(entry));
    this.#clock.observe(entry.savedAt);
    if (task.version !== undefined && task.version <= entry.savedAt) block.remove(task);
  }

  #findOne({ tasks }: Environment, key: TaskKey): Uint8Array | undefined {
    const row = tasks.getBinaryFast(taskKey(key));
    if (row === undefined) return undefined;
    this.#clock.observe(readVersion(row));
    return readEnvelope(row);
  }
}

/** A version further ahead comes from a clock that is wrong, and must not carry all others with it. */
const FAR_AHEAD: Version = 2n * DEFAULT_CLOCK_LIMIT;

function encode(entry: SaveEntry, savedAt: Version): Uint8Array {
  try {
    return entry.encode(savedAt);
  } catch (cause) {
    if (isTaskError(cause)) throw cause;
    const { taskList, id } = entry;
    throw new TaskError("INVALID_DATA", `the task can't be encoded: ${(cause as Error).message}`, {
      taskList,
      id,
      cause,
    });
  }
}
