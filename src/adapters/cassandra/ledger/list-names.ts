import type { Outcome } from "../../../adapter/adapter.js";
import { forEachConcurrently } from "../../../core/concurrency.js";
import { TaskError } from "../../../core/errors.js";
import type { Version } from "../../../core/version.js";
import type { ListSession, NotedList } from "../model/list-session.js";
import { type RetryPolicy, retryRead, toTaskError } from "../retry.js";
import type { Runtime } from "../runtime.js";

/** A process notes a list that it saves to again after this time, in microseconds: an hour. */
const NOTED_FOR = 3_600_000_000n;

/** A list that was not noted for this time, a day, may have ended: it is checked. */
const MAY_HAVE_ENDED = 24n * NOTED_FOR;

/** Maximum number of lists that a process remembers as noted; beyond it, all are forgotten, and noted again. */
const MAX_KNOWN = 100_000;

const NAMES_PER_READ = 500;
const CONCURRENCY = 16;

/**
 * The names of the lists that have open tasks. Reading the keys of all partitions would take seconds, or fail, if a list has many
 * completed tasks. So each process notes a list when it has saved to it, and again each hour in which it does.
 *
 * A list has ended if it was not noted for a day and is empty; its name is then removed, with the timestamp at which it was noted. No
 * save is missed: one that was applied before the list was read is seen there; one that was applied later is acknowledged
 * only when there is a note that is at most an hour older, and so later than the one that is removed.
 */
export class ListNames {
  readonly #session: ListSession;
  readonly #runtime: Runtime;
  readonly #policy: RetryPolicy;
  readonly #known = new Map<string, Version>();
  readonly #noting = new Map<string, Promise<void>>();

  constructor(session: ListSession, runtime: Runtime, policy: RetryPolicy) {
    this.#session = session;
    this.#runtime = runtime;
    this.#policy = policy;
  }

  /**
   * The outcomes of saves, after the lists of the applied ones have been noted. If that fails, a save's outcome is unknown: its
   * task is stored, but readers that do not know its list may not find it.
   */
  settle(
    entries: readonly { readonly taskList: string }[],
    outcomes: readonly Outcome<Version>[],
  ): readonly Outcome<Version>[] | Promise<readonly Outcome<Version>[]> {
    let lists: Set<string> | undefined;
    for (let i = 0; i < entries.length; i++) {
      const { taskList } = entries[i] as { readonly taskList: string };
      if (!outcomes[i]?.ok || this.#isNoted(taskList)) continue;
      lists ??= new Set();
      lists.add(taskList);
    }
    return lists === undefined ? outcomes : this.#noteAll(lists, entries, outcomes);
  }

  /** The names, a page at a time; `isEmpty` tells of a list. Lists that have ended are removed, unless it is read-only. */
  async *pages(
    isEmpty: (list: string) => Promise<boolean>,
    readOnly: boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[], void, undefined> {
    for (let bucket = 0; bucket < this.#session.buckets; bucket++)
      for (let after = "", isEnd = false; !isEnd; ) {
        const from = after;
        const now = this.#runtime.clock.now();
        const found = await this.#retry(signal, (timeout) =>
          this.#session.readLists(bucket, from, NAMES_PER_READ, timeout),
        );
        isEnd = found.length < NAMES_PER_READ;
        after = found.at(-1)?.name ?? "";
        const ended = await this.#findEnded(found, now, isEmpty);
        if (!readOnly) await this.#forget(ended);
        const names = found.filter((list) => !ended.has(list)).map(({ name }) => name);
        if (names.length > 0) yield names;
      }
  }

  #isNoted(list: string): boolean {
    const at = this.#known.get(list);
    if (at === undefined) return false;
    const age = this.#runtime.clock.now() - at;
    return age >= 0n && age < NOTED_FOR;
  }

  async #noteAll(
    lists: ReadonlySet<string>,
    entries: readonly { readonly taskList: string }[],
    outcomes: readonly Outcome<Version>[],
  ): Promise<readonly Outcome<Version>[]> {
    const errors = new Map<string, TaskError>();
    await forEachConcurrently([...lists], CONCURRENCY, (list) =>
      this.#note(list).catch((error) => {
        errors.set(list, notNamed(list, error));
      }),
    );
    return outcomes.map((outcome, i) => {
      const error = errors.get(entries[i]?.taskList as string);
      return outcome.ok && error ? { ok: false, error, attempted: outcome.value } : outcome;
    });
  }

  /** A list is noted once, however many saves wait for it. */
  #note(list: string): Promise<void> {
    const noting = this.#noting.get(list) ?? this.#write(list).finally(() => this.#noting.delete(list));
    this.#noting.set(list, noting);
    return noting;
  }

  async #write(list: string): Promise<void> {
    const at = this.#runtime.clock.now();
    await this.#retry(undefined, (timeout) => this.#session.noteList(list, at, timeout));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(list, at);
  }

  async #findEnded(
    found: readonly NotedList[],
    now: Version,
    isEmpty: (list: string) => Promise<boolean>,
  ): Promise<ReadonlySet<NotedList>> {
    const old = found.filter(({ notedAt }) => now - notedAt > MAY_HAVE_ENDED);
    const ended = new Set<NotedList>();
    await forEachConcurrently(old, CONCURRENCY, async (list) => {
      if (await isEmpty(list.name)) ended.add(list);
    });
    return ended;
  }

  /** If it fails, the next caller repeats it. */
  async #forget(ended: ReadonlySet<NotedList>): Promise<void> {
    await forEachConcurrently([...ended], CONCURRENCY, async ({ name, notedAt }) => {
      await this.#session.forgetList(name, notedAt, this.#policy.attemptTimeout).catch(() => undefined);
    });
  }

  async #retry<T>(signal: AbortSignal | undefined, call: (timeout: number) => Promise<T>): Promise<T> {
    try {
      return await retryRead(this.#runtime, this.#policy, signal, call);
    } catch (error) {
      throw toTaskError(error, false);
    }
  }
}

function notNamed(taskList: string, cause: TaskError): TaskError {
  const message = `the task was saved, but its list could not be noted: ${cause.message}`;
  return new TaskError(cause.code, message, { taskList, outcome: "unknown", cause });
}
