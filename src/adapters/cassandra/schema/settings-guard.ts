import { setImmediate } from "node:timers/promises";
import { isTaskError, type TaskError } from "../../../core/errors.js";
import type { Runtime } from "../runtime.js";

/** For how long a mismatch is taken to last, in milliseconds: until then, calls fail without another look. */
const MISMATCH_LASTS = 1_000;

/**
 * Watches that a keyspace has the settings that it was opened with. Somebody may drop it and make it anew with others: what
 * is written by the old number of shards would be where nobody looks for it. Where the schema has changed, calls wait until
 * the settings have been looked at; besides, they are looked at from time to time, and nothing waits for that.
 */
export class SettingsGuard {
  readonly #runtime: Runtime;
  readonly #interval: number;
  readonly #look: (timeout: number) => Promise<void>;
  /** When they were last seen to be right, on the monotonic clock. */
  #seen: number;
  #looking: Promise<void> | undefined;
  /** Counts the changes that were heard of. */
  #changes = 0;
  /** What has changed since they were read, before it was listened to changes, nobody has heard of. */
  #isSuspect = true;
  #mismatch: { readonly error: TaskError; readonly end: number } | undefined;

  /**
   * @param interval How often the settings are looked at without a reason, in milliseconds.
   * @param look Looks at them once. Throws SCHEMA_MISMATCH where they are not as they were.
   */
  constructor(runtime: Runtime, interval: number, look: (timeout: number) => Promise<void>) {
    this.#runtime = runtime;
    this.#interval = interval;
    this.#look = look;
    this.#seen = runtime.monotonic();
  }

  /** Whether there is nothing to look at. */
  get isTrusted(): boolean {
    return !this.#isSuspect && this.#runtime.monotonic() - this.#seen <= this.#interval;
  }

  /** The keyspace's schema has changed. */
  suspect(): void {
    this.#changes++;
    this.#isSuspect = true;
    this.#mismatch = undefined;
  }

  /**
   * Resolves when calls may go to the store. Throws SCHEMA_MISMATCH, and, where the schema has changed, what looking throws.
   *
   * @param timeout How long one look may take, in milliseconds.
   */
  async untilTrusted(timeout: number): Promise<void> {
    if (!this.#isSuspect) this.look(timeout).catch(() => undefined);
    while (this.#isSuspect) {
      if (this.#mismatch && this.#runtime.monotonic() < this.#mismatch.end) return await refuse(this.#mismatch.error);
      await this.look(timeout);
    }
  }

  /** Looks now; once at a time. */
  look(timeout: number): Promise<void> {
    this.#looking ??= this.#lookOnce(timeout).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(timeout: number): Promise<void> {
    const changes = this.#changes;
    try {
      await this.#look(timeout);
    } catch (error) {
      if (isTaskError(error, "SCHEMA_MISMATCH")) this.#refuse(error);
      throw error;
    }
    // What was seen may be from before a change that was heard of meanwhile.
    if (changes === this.#changes) this.#isSuspect = false;
    this.#mismatch = undefined;
    this.#seen = this.#runtime.monotonic();
  }

  #refuse(error: TaskError): void {
    this.#isSuspect = true;
    this.#mismatch = { error, end: this.#runtime.monotonic() + MISMATCH_LASTS };
  }
}

/** Not in the same turn: a caller that tries again and again would let nothing else happen. */
async function refuse(error: TaskError): Promise<never> {
  await setImmediate();
  throw error;
}

type Call = (...args: readonly unknown[]) => Promise<unknown>;

/** A session whose calls, the last argument of which is their timeout in milliseconds, begin once the guard trusts. */
export function guardCalls<S extends object>(session: S, guard: SettingsGuard): S {
  const guarded = (call: Call): Call => {
    const begin: Call = (...args) => call.apply(session, args as unknown[]);
    return (...args) =>
      guard.isTrusted ? begin(...args) : guard.untilTrusted(args.at(-1) as number).then(() => begin(...args));
  };
  const calls = new Map<unknown, Call>();
  return new Proxy(session, {
    get(target, name) {
      let call = calls.get(name);
      if (call === undefined) {
        call = guarded(Reflect.get(target, name) as Call);
        calls.set(name, call);
      }
      return call;
    },
  });
}
