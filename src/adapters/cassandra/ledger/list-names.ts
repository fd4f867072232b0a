import type { Outcome } from "../../../adapter/adapter.js";
import { forEachConcurrently } from "../../../core/concurrency.js";
import { TaskError } from "../../../core/errors.js";
import type { Version } from "../../../core/version.js";
import type { ListSession } from "../model/session.js";
import { type RetryPolicy, retryCall } from "../retry.js";
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
  /** When a list was noted last, and what resolves once that is written. */
  readonly #notes = new Map<string, { readonly at: Version; readonly written: Promise<void> }>();

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
    const lists = new Set(entries.filter((_, i) => outcomes[i]?.ok).map(({ taskList }) => taskList));
    const errors = new Map<string, TaskError>();
    const note = (list: string) => this.#noted(list).catch((error) => void errors.set(list, notNamed(list, error)));
    await Promise.all([...lists].map(note));
    if (errors.size === 0) return outcomes;
    return outcomes.map((outcome, i) => {
      const error = errors.get(entries[i]?.taskList as string);
      return outcome.ok && error ? { ok: false, error, attempted: outcome.value } : outcome;
    });
  }

  /** The names, a page at a time; `isEmpty` tells of a list. Lists that have ended are removed, unless it is read-only. */
  async *pages(
    isEmpty: (list: string) => Promise<boolean>,
    readOnly: boolean,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly string[], void, undefined> {
    for (let bucket = 0; bucket < this.#session.buckets; bucket++)
      for (let after: string | undefined = ""; after !== undefined; ) {
        const from: string = after;
        const now = this.#runtime.clock.now();
        const read = (timeout: number) => this.#session.readLists(bucket, from, NAMES_PER_READ, timeout);
        const found = await retryCall(this.#runtime, this.#policy, signal, read);
        after = found.length < NAMES_PER_READ ? undefined : found.at(-1)?.name;
        const names = new Set(found.map(({ name }) => name));
        const old = found.filter(({ notedAt }) => now - notedAt > MAY_HAVE_ENDED);
        await forEachConcurrently(old, CONCURRENCY, async ({ name, notedAt }) => {
          if (!(await isEmpty(name))) return;
          names.delete(name);
          if (!readOnly) await this.#forget(name, notedAt);
        });
        if (names.size > 0) yield [...names];
      }
  }

  /** Resolves when there is a note that is young enough; a list is noted once, however many saves wait for it. */
  #noted(list: string): Promise<void> {
    const at = this.#runtime.clock.now();
    const known = this.#notes.get(list);
    if (known && at >= known.at && at - known.at < NOTED_FOR) return known.written;
    const note = (timeout: number) => this.#session.noteList(list, at, timeout);
    const written = retryCall(this.#runtime, this.#policy, undefined, note).catch((error) => {
      this.#notes.delete(list);
      throw error;
    });
    if (this.#notes.size >= MAX_KNOWN) this.#notes.clear();
    this.#notes.set(list, { at, written });
    return written;
  }

  /** A removal that fails is repeated by the next caller. */
  async #forget(list: string, notedAt: Version): Promise<void> {
    await this.#session.forgetList(list, notedAt, this.#policy.attemptTimeout).catch(() => undefined);
  }
}

function notNamed(taskList: string, cause: TaskError): TaskError {
  const message = `the task was saved, but its list could not be noted: ${cause.message}`;
  return new TaskError(cause.code, message, { taskList, outcome: "unknown", cause });
}
