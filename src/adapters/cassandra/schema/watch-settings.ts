import type { Client, types } from "cassandra-driver";
import { callDriver } from "../driver/call.js";
import { type Driver, isUnknownToNode } from "../driver/errors.js";
import { listenToSchema, tellingHost } from "../driver/schema-events.js";
import type { ClaimSession } from "../model/claim-session.js";
import { type LedgerSession, SessionError } from "../model/session.js";
import type { LedgerSettings } from "../model/settings.js";
import { processRuntime } from "../runtime.js";
import { changed, checkUnchanged } from "./check.js";
import { guardCalls, SettingsGuard } from "./settings-guard.js";

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

/** Wraps sessions: they wait while the keyspace may have other settings than it was opened with. */
export interface WatchedSessions {
  readonly session: LedgerSession;
  readonly claims: ClaimSession;
  stop(): void;
}

export function watchSettings(options: WatchOptions, session: LedgerSession, claims: ClaimSession): WatchedSessions {
  const { client, keyspace, interval, timeout } = options;
  const guard = new SettingsGuard(processRuntime, interval, (within) => look(options, within));
  const stop = listenToSchema(client, keyspace, {
    onChange: () => guard.suspect(),
    onReconnected: () => void guard.look(timeout).catch(() => undefined),
  });
  return {
    session: guardCalls(session, guard),
    claims: guardCalls(claims, guard),
    stop,
  };
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
