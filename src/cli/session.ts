import type { Registry } from "@bufbuild/protobuf";
import { DataInterface } from "../index.js";
import { registryOf } from "../inspection/data-view.js";
import { readConfig } from "./options/config.js";
import type { GlobalOptions } from "./options/global-options.js";
import { MAX_TASK_BYTES } from "./reading.js";
import { openStoreSession, type StoreAccess, type StoreSession } from "./store-session.js";
import type { Terminal } from "./terminal.js";
import { loadTaskClasses } from "./types/task-classes.js";

/** A store that is open for a command, and the task types that it knows. */
export interface Session extends StoreSession {
  readonly tasks: DataInterface;
  /** The message types that data may contain. */
  readonly registry: Registry;
}

export interface SessionOptions {
  readonly access: StoreAccess;
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
  const store = await openStoreSession(terminal, options, config, access);
  try {
    const tasks = new DataInterface({ types, adapter: store.adapter, maxTaskBytes: MAX_TASK_BYTES });
    return { ...store, tasks, registry: registryOf(types) };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}
