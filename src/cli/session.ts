import { existsSync } from "node:fs";
import type { Registry } from "@bufbuild/protobuf";
import { type Adapter, DataInterface } from "../index.js";
import { registryOf } from "../inspection/data-view.js";
import { openStore, parseStoreUrl } from "../store/index.js";
import { commandError, exitCodes } from "./command-error.js";
import { type FoundConfig, readConfig } from "./options/config.js";
import type { GlobalOptions } from "./options/global-options.js";
import { findStoreUrl } from "./options/store-url.js";
import { Patience } from "./patience.js";
import { MAX_TASK_BYTES } from "./reading.js";
import type { Terminal } from "./terminal.js";
import { loadTaskClasses } from "./types/task-classes.js";

/** A store that is open for a command, and the task types that it knows. */
export interface Session extends AsyncDisposable {
  readonly tasks: DataInterface;
  /** The message types that data may contain. */
  readonly registry: Registry;
  /** The signal for all calls of the store. */
  readonly signal: AbortSignal;
  /** Limits how long to wait for the store. */
  readonly patience: Patience;
}

export interface SessionOptions {
  /** `read` never writes; `write` needs an existing store; `create` creates an SQLite file if there is none. */
  readonly access: "read" | "write" | "create";
  /** Whether data is decoded; false if tasks are only passed on. */
  readonly decodes?: boolean;
}

/** Throws a CommandError, and what the store throws. */
export async function openSession(
  terminal: Terminal,
  options: GlobalOptions,
  { access, decodes = true }: SessionOptions,
): Promise<Session> {
  const config = await readConfig(terminal.cwd, options.config);
  const types = decodes ? await loadTaskClasses(terminal.cwd, options.types ?? [], config) : [];
  const patience = new Patience(options.timeout, terminal.interrupted());
  const { signal } = patience;
  try {
    const adapter = await openAdapter(terminal, options, config, access, signal);
    const tasks = new DataInterface({ types, adapter, maxTaskBytes: MAX_TASK_BYTES });
    patience.renew();
    return {
      ...{ tasks, signal, patience, registry: registryOf(types) },
      async [Symbol.asyncDispose]() {
        patience.end();
        await tasks.close();
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
  access: SessionOptions["access"],
  signal: AbortSignal,
): Promise<Adapter> {
  const url = await findStoreUrl(terminal, options, config);
  const readOnly = access === "read";
  if (url !== undefined) {
    if (access !== "create") checkFile(url);
    return openStore(url, { signal, readOnly });
  }
  const make = config?.store as Exclude<FoundConfig["store"], string | undefined>;
  const adapter = await make({ readOnly });
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
