import assert from "node:assert/strict";
import type { Adapter, AllOptions, CompleteEntry, SaveEntry, StoredTask, TaskKey } from "../adapter/adapter.js";
import { acknowledged, expectStored, expectTasks, type KnownTask, knownTask } from "./checks.js";

type EachOf<E extends readonly unknown[], T> = { [K in keyof E]: T };

/** Limits above which a listing counts as endless. */
export interface ListingLimits {
  /** More tasks than any list has in a case. */
  readonly maxTasks: number;
  /** Longer than any listing takes, in milliseconds. */
  readonly maxTime: number;
}

/** An adapter as cases use it: calls must succeed, and results are compared with what was saved. */
export class Client {
  readonly adapter: Adapter;
  readonly #limits: ListingLimits;

  constructor(adapter: Adapter, limits: ListingLimits) {
    this.adapter = adapter;
    this.#limits = limits;
  }

  /** Saves entries in one call. */
  async save<E extends readonly SaveEntry[]>(...entries: E): Promise<EachOf<E, KnownTask>> {
    const outcomes = await this.adapter.save(entries);
    assert.equal(outcomes.length, entries.length, "save returns one outcome per entry");
    return entries.map(({ taskList, id, body }, i) => {
      const savedAt = acknowledged(outcomes[i]);
      return { taskList, id, savedAt, body };
    }) as EachOf<E, KnownTask>;
  }

  /** Saves any number of entries, some hundreds per call. */
  async saveAll(entries: readonly SaveEntry[]): Promise<KnownTask[]> {
    const saved: KnownTask[] = [];
    for (const call of callsOf(entries)) saved.push(...(await this.save(...call)));
    return saved;
  }

  /** Completes entries in one call. */
  async complete(...entries: readonly CompleteEntry[]): Promise<void> {
    const outcomes = await this.adapter.complete(entries);
    assert.equal(outcomes.length, entries.length, "complete returns one outcome per entry");
    for (const outcome of outcomes) acknowledged(outcome);
  }

  /** Completes any number of entries, some hundreds per call. */
  async completeAll(entries: readonly CompleteEntry[]): Promise<void> {
    for (const call of callsOf(entries)) await this.complete(...call);
  }

  /** Finds keys in one call. */
  async find(...keys: readonly TaskKey[]): Promise<readonly (StoredTask | undefined)[]> {
    const found = await this.adapter.find(keys);
    assert.equal(found.length, keys.length, "find returns one result per key");
    return found;
  }

  /** Starts listing a list, without pulling yet. */
  listing(taskList: string, options: Partial<AllOptions> = {}): Listing {
    const pages = this.adapter.all(taskList, { pageSize: 100, maxPageBytes: 4 * 1024 * 1024, ...options });
    return new Listing(taskList, pages[Symbol.asyncIterator](), this.#limits);
  }

  /** All tasks of a list. */
  async list(taskList: string, options?: Partial<AllOptions>): Promise<KnownTask[]> {
    return this.listing(taskList, options).rest();
  }

  /** Checks that `find` returns exactly these versions. */
  async expectFound(...tasks: readonly KnownTask[]): Promise<void> {
    const found = await this.find(...tasks);
    for (const [i, task] of tasks.entries()) expectStored(found[i], task);
  }

  async expectNotFound(...keys: readonly TaskKey[]): Promise<void> {
    for (const stored of await this.find(...keys)) assert.equal(stored, undefined, "a task was found that is not open");
  }

  /** Checks that a listing returns exactly these versions, in this order. */
  async expectListed(taskList: string, tasks: readonly KnownTask[], options?: Partial<AllOptions>): Promise<void> {
    expectTasks(await this.list(taskList, options), tasks);
  }

  /** Checks that exactly these tasks are listed, in this order, and that each of them can be found. */
  async expectOpen(taskList: string, tasks: readonly KnownTask[]): Promise<void> {
    await this.expectFound(...tasks);
    await this.expectListed(taskList, tasks);
  }
}

/** One listing of a list, page by page. */
export class Listing implements AsyncIterable<KnownTask[]> {
  readonly #taskList: string;
  readonly #pages: AsyncIterator<readonly StoredTask[]>;
  readonly #maxTasks: number;
  readonly #deadline: number;

  constructor(taskList: string, pages: AsyncIterator<readonly StoredTask[]>, { maxTasks, maxTime }: ListingLimits) {
    this.#taskList = taskList;
    this.#pages = pages;
    this.#maxTasks = maxTasks;
    this.#deadline = Date.now() + maxTime;
  }

  /** The next page, or undefined at the end. */
  async next(): Promise<KnownTask[] | undefined> {
    assert.ok(Date.now() < this.#deadline, "a listing does not end");
    const { done, value } = await this.#pages.next();
    return done ? undefined : value.map((stored) => knownTask(this.#taskList, stored));
  }

  /** The tasks of all remaining pages. */
  async rest(): Promise<KnownTask[]> {
    const tasks: KnownTask[] = [];
    for await (const page of this) {
      tasks.push(...page);
      assert.ok(tasks.length <= this.#maxTasks, `a listing does not end: it has returned ${tasks.length} tasks`);
    }
    return tasks;
  }

  /** Ends the listing early. */
  async leave(): Promise<void> {
    await this.#pages.return?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<KnownTask[], void, undefined> {
    try {
      for (let page = await this.next(); page; page = await this.next()) yield page;
    } finally {
      await this.leave();
    }
  }
}

const ENTRIES_A_CALL = 500;

function* callsOf<E>(entries: readonly E[]): Generator<readonly E[]> {
  for (let start = 0; start < entries.length; start += ENTRIES_A_CALL)
    yield entries.slice(start, start + ENTRIES_A_CALL);
}
