import { existsSync } from "node:fs";
import type { Adapter } from "../adapter/adapter.js";
import { checkAdapter } from "../adapter/check-adapter.js";
import { openStore, parseStoreUrl } from "../store/index.js";
import { commandError, exitCodes } from "./command-error.js";
import type { FoundConfig } from "./options/config.js";
import type { GlobalOptions } from "./options/global-options.js";
import { findStoreUrl } from "./options/store-url.js";
import { Patience } from "./patience.js";
import type { Terminal } from "./terminal.js";

/** A store that is open for a command. Commands that read no task use it alone: the rest of the library takes long to load. */
export interface StoreSession extends AsyncDisposable {
  readonly adapter: Adapter;
  /** The signal for all calls of the store. */
  readonly signal: AbortSignal;
  /** Limits how long to wait for the store. */
  readonly patience: Patience;
}

/** `read` never writes; `write` needs an existing store; `create` creates an SQLite file if there is none. */
export type StoreAccess = "read" | "write" | "create";

/** Throws a CommandError, and what the store throws. */
export async function openStoreSession(
  terminal: Terminal,
  options: GlobalOptions,
  config: FoundConfig | undefined,
  access: StoreAccess,
): Promise<StoreSession> {
  const patience = new Patience(options.timeout, terminal.interrupted());
  const { signal } = patience;
  try {
    const adapter = await openAdapter(terminal, options, config, access, signal);
    patience.renew();
    return {
      ...{ adapter, signal, patience },
      async [Symbol.asyncDispose]() {
        patience.end();
        await adapter.close();
      },
    };
  } catch (error) {
    patience.end();
    throw error;
  }
}

async function openAdapter(
  terminal: Terminal,
  options: GlobalOptions,
  config: FoundConfig | undefined,
  access: StoreAccess,
  signal: AbortSignal,
): Promise<Adapter> {
  const url = await findStoreUrl(terminal, options, config);
  const readOnly = access === "read";
  if (url !== undefined) {
    if (access !== "create") checkFile(url);
    return openStore(url, { signal, readOnly });
  }
  const make = config?.store as Exclude<FoundConfig["store"], string | undefined>;
  const adapter: unknown = await make({ readOnly });
  checkAdapter("store", "it to return an adapter", adapter);
  await adapter.open({ signal });
  return adapter;
}

/** A misspelt name must not create a new, empty store. */
export function checkFile(url: string): void {
  const address = parseStoreUrl(url);
  if (address.kind !== "sqlite" || existsSync(address.path)) return;
  const advice = "Check the path. A program that saves tasks creates a new store, or: taskledger schema apply";
  throw commandError(exitCodes.failed, "NO_FILE", `there is no file ${address.path}`, advice);
}
