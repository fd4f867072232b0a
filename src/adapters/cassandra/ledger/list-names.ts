import type { Outcome } from "../../../adapter/adapter.js";
import { forEachConcurrently } from "../../../core/concurrency.js";
import { TaskError } from "../../../core/errors.js";
import type { Version } from "../../../core/version.js";
import type { ListSession, NotedList } from "../model/session.js";
import { type RetryPolicy, retryRead } from "../retry.js";
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
  async settle(
    entries: readonly { readonly taskList: string }[],
    outcomes: readonly Outcome<Version>[],
  ): Promise<readonly Outcome<Version>[]> {
    const lists = new Set<string>();
    for (const [i, { taskList }] of entries.entries())
      if (outcomes[i]?.ok && !this.#isNoted(taskList)) lists.add(taskList);
    if (lists.size === 0) return outcomes;
    const errors = new Map<string, TaskError>();
    await forEachConcurrently([...lists], CONCURRENCY, async (list) => {
      await this.#note(list).catch((error) => void errors.set(list, notNamed(list, error)));
    });
    return outcomes.map((outcome, i) => {
      const error = errors.get(entries[i]?.taskList as string);
      return outcome.ok && error ? { ok: false, error, attempted: outcome.value } : outcome;
    });
  }

  /** The names, a page at a time; `isEmpty` tells of a list. Lists that have ended are removed, unless it is read-only. */
  async *pages(
    isEmpty: (list: string) => Promise<boolean>,
    readOnly: boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[], void, undefined> {
    for (let bucket = 0; bucket < this.#session.buckets; bucket++)
      for (let after: string | undefined = ""; after !== undefined; ) {
        const from: string = after;
        const now = this.#runtime.clock.now();
        const read = (timeout: number) => this.#session.readLists(bucket, from, NAMES_PER_READ, timeout);
        const found = await retryRead(this.#runtime, this.#policy, signal, read);
        after = found.length < NAMES_PER_READ ? undefined : found.at(-1)?.name;
        const names = await this.#withoutEnded(found, now, isEmpty, readOnly);
        if (names.length > 0) yield names;
      }
  }

  #isNoted(list: string): boolean {
    const at = this.#known.get(list);
    if (at === undefined) return false;
    const age = this.#runtime.clock.now() - at;
    return age >= 0n && age < NOTED_FOR;
  }

  /** A list is noted once, however many saves wait for it. */
  #note(list: string): Promise<void> {
    const noting = this.#noting.get(list) ?? this.#write(list).finally(() => this.#noting.delete(list));
    this.#noting.set(list, noting);
    return noting;
  }

  async #write(list: string): Promise<void> {
    const at = this.#runtime.clock.now();
    const note = (timeout: number) => this.#session.noteList(list, at, timeout);
    await retryRead(this.#runtime, this.#policy, undefined, note);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(list, at);
  }

  /** A removal that fails is repeated by the next caller. */
  async #withoutEnded(
    found: readonly NotedList[],
    now: Version,
    isEmpty: (list: string) => Promise<boolean>,
    readOnly: boolean,
  ): Promise<readonly string[]> {
    const old = found.filter(({ notedAt }) => now - notedAt > MAY_HAVE_ENDED);
    const ended = new Set<string>();
    await forEachConcurrently(old, CONCURRENCY, async ({ name, notedAt }) => {
      if (!(await isEmpty(name))) return;
      ended.add(name);
      const { attemptTimeout } = this.#policy;
      if (!readOnly) await this.#session.forgetList(name, notedAt, attemptTimeout).catch(() => undefined);
    });
    return found.map(({ name }) => name).filter((name) => !ended.has(name));
  }
}

function notNamed(taskList: string, cause: TaskError): TaskError {
  const message = `the task was saved, but its list could not be noted: ${cause.message}`;
  return new TaskError(cause.code, message, { taskList, outcome: "unknown", cause });
}
