import { setImmediate } from "node:timers/promises";
import { isTaskError } from "../../../core/errors.js";
import type { Caller } from "../driver/caller.js";
import { isUnknownToNode } from "../driver/errors.js";
import { listenToSchema, tellingHost } from "../driver/schema-events.js";
import { SessionError } from "../model/session.js";
import { type LedgerSettings, settingRows } from "../model/settings.js";
import { processRuntime, type Runtime } from "../runtime.js";
import { compare, readSettings, refuse } from "./check.js";

/** How long a mismatch is cached, in milliseconds: until then, calls fail without another check. */
const MISMATCH_LASTS = 1_000;

/** Watches a keyspace that is open, until it is stopped; `timeout` is that of a check for which no call gives one. */
export function watchSettings(
  caller: Caller,
  settings: LedgerSettings,
  interval: number,
  timeout: number,
): { readonly guard: SettingsGuard; stop(): void } {
  const guard = new SettingsGuard(processRuntime, interval, (within) => checkUnchanged(caller, settings, within));
  const stop = listenToSchema(caller.client, caller.keyspace, {
    onChange: () => guard.suspect(),
    onReconnected: () => void guard.look(timeout).catch(() => undefined),
  });
  return { guard, stop };
}

/** Throws SCHEMA_MISMATCH if a keyspace no longer has the settings that it was opened with. */
async function checkUnchanged(caller: Caller, settings: LedgerSettings, timeout: number): Promise<void> {
  const { client, driver, keyspace } = caller;
  const refuseChanged = (how: string) =>
    refuse(keyspace, [`it was created again, or changed, since it was opened: ${how}; open it with a new adapter`]);
  try {
    // Not a prepared statement: a missing table would then be reported as a statement that is not prepared.
    const found = await readSettings(caller, timeout, { prepare: false, ...tellingHost(client) });
    const differences = compare("setting", settingRows(settings), found, (is, was) => `was ${was}, and is ${is}`);
    if (differences.length > 0) refuseChanged(differences.join("; "));
  } catch (error) {
    if (error instanceof SessionError && isUnknownToNode(error.cause, driver)) refuseChanged(error.message);
    throw error;
  }
}

/**
 * Watches that a keyspace still has the settings that it was opened with. It may be dropped and created again with others: tasks
 * that are written by the old number of shards would not be found. After a change of the schema, calls wait until the settings
 * have been checked; they are also checked from time to time, in the background.
 */
export class SettingsGuard {
  readonly #runtime: Runtime;
  readonly #interval: number;
  readonly #look: (timeout: number) => Promise<void>;
  /** When they were last found to be right, on the monotonic clock. */
  #seen: number;
  #looking: Promise<void> | undefined;
  /** Counts the changes that were reported. */
  #changes = 0;
  /** Changes between the first read and the start of listening were not reported. */
  #isSuspect = true;
  #mismatch: { readonly error: unknown; readonly end: number } | undefined;

  /** Checks every `interval` milliseconds, by `look`, which throws SCHEMA_MISMATCH if they have changed. */
  constructor(runtime: Runtime, interval: number, look: (timeout: number) => Promise<void>) {
    this.#runtime = runtime;
    this.#interval = interval;
    this.#look = look;
    this.#seen = runtime.monotonic();
  }

  /** The keyspace's schema has changed. */
  suspect(): void {
    this.#changes++;
    this.#isSuspect = true;
    this.#mismatch = undefined;
  }

  /** Resolves when calls may go to the store. Throws SCHEMA_MISMATCH, and, if the schema has changed, what the check throws. */
  async untilTrusted(timeout: number): Promise<void> {
    const isDue = this.#runtime.monotonic() - this.#seen > this.#interval;
    if (!this.#isSuspect && isDue) this.look(timeout).catch(() => undefined);
    while (this.#isSuspect) await this.look(timeout);
  }

  /** Checks now; one check at a time, and none for a second after a mismatch. */
  look(timeout: number): Promise<void> {
    this.#looking ??= this.#lookOnce(timeout).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookOnce(timeout: number): Promise<void> {
    const mismatch = this.#mismatch;
    if (mismatch && this.#runtime.monotonic() < mismatch.end) {
      // Not in the same turn of the event loop: a caller that retries all the time would block everything else.
      await setImmediate();
      throw mismatch.error;
    }
    const changes = this.#changes;
    try {
      await this.#look(timeout);
    } catch (error) {
      if (isTaskError(error, "SCHEMA_MISMATCH")) {
        this.#isSuspect = true;
        this.#mismatch = { error, end: this.#runtime.monotonic() + MISMATCH_LASTS };
      }
      throw error;
    }
    // The result may be older than a change that was reported meanwhile.
    if (changes === this.#changes) this.#isSuspect = false;
    this.#seen = this.#runtime.monotonic();
  }
}
