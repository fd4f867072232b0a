import type { Client, types } from "cassandra-driver";
import { callDriver } from "../driver/caller.js";
import { type Driver, isUnknownToNode } from "../driver/errors.js";
import { listenToSchema, tellingHost } from "../driver/schema-events.js";
import { SessionError } from "../model/session.js";
import type { LedgerSettings } from "../model/settings.js";
import { processRuntime } from "../runtime.js";
import { changed, checkUnchanged } from "./check.js";
import { SettingsGuard } from "./settings-guard.js";

export interface WatchOptions {
  readonly client: Client;
  readonly driver: Driver;
  readonly keyspace: string;
  /** The settings that it was opened with. */
  readonly settings: LedgerSettings;
  readonly consistency: types.consistencies;
  /** Interval of the checks in the background, in milliseconds. */
  readonly interval: number;
  /** Timeout of one check, in milliseconds, if no call gives one. */
  readonly timeout: number;
}

/** Watches the settings of a keyspace that is open, until it is stopped. */
export function watchSettings(options: WatchOptions): { readonly guard: SettingsGuard; stop(): void } {
  const { client, keyspace, interval, timeout } = options;
  const guard = new SettingsGuard(processRuntime, interval, (within) => look(options, within));
  const stop = listenToSchema(client, keyspace, {
    onChange: () => guard.suspect(),
    onReconnected: () => void guard.look(timeout).catch(() => undefined),
  });
  return { guard, stop };
}

/** Not a prepared statement: a missing table would then be reported as a statement that is not prepared. */
async function look(options: WatchOptions, timeout: number): Promise<void> {
  const { client, driver, keyspace, settings, consistency } = options;
  const execution = { consistency, isIdempotent: true, readTimeout: timeout, ...tellingHost(client) };
  try {
    await callDriver(driver, { timeout }, () => checkUnchanged(client, keyspace, settings, execution));
  } catch (error) {
    if (error instanceof SessionError && isUnknownToNode(error.cause, driver)) throw changed(keyspace, error.message);
    throw error;
  }
}
