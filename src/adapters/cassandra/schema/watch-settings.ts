import type { Caller } from "../driver/caller.js";
import { isUnknownToNode } from "../driver/errors.js";
import { listenToSchema, tellingHost } from "../driver/schema-events.js";
import { SessionError } from "../model/session.js";
import type { LedgerSettings } from "../model/settings.js";
import { processRuntime } from "../runtime.js";
import { changed, checkUnchanged } from "./check.js";
import { SettingsGuard } from "./settings-guard.js";

/**
 * Watches that a keyspace has the settings that it was opened with, until it is stopped.
 *
 * @param interval Interval of the checks in the background, in milliseconds.
 * @param timeout Timeout of one check, in milliseconds, if no call gives one.
 */
export function watchSettings(
  caller: Caller,
  settings: LedgerSettings,
  interval: number,
  timeout: number,
): { readonly guard: SettingsGuard; stop(): void } {
  const guard = new SettingsGuard(processRuntime, interval, (within) => look(caller, settings, within));
  const stop = listenToSchema(caller.client, caller.keyspace, {
    onChange: () => guard.suspect(),
    onReconnected: () => void guard.look(timeout).catch(() => undefined),
  });
  return { guard, stop };
}

async function look(caller: Caller, settings: LedgerSettings, timeout: number): Promise<void> {
  // Not a prepared statement: a missing table would then be reported as a statement that is not prepared.
  const options = { prepare: false, ...tellingHost(caller.client) };
  try {
    await checkUnchanged(caller, settings, timeout, options);
  } catch (error) {
    const isGone = error instanceof SessionError && isUnknownToNode(error.cause, caller.driver);
    throw isGone ? changed(caller.keyspace, error.message) : error;
  }
}
