import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Adapter, Task, TaskClass } from "../../index.js";
import { commandError, exitCodes } from "../command-error.js";

/** What a `taskledger.config.mjs` exports by default. */
export interface Config {
  /** The store's URL, with a file's path relative to this module; or a function that creates an adapter. */
  readonly store?: string | ((options: { readonly readOnly: boolean }) => Adapter | Promise<Adapter>);
  /** Task classes, and the paths of descriptor sets, relative to this module. */
  readonly types?: readonly (string | TaskClass<Task>)[];
}

/** A config and where it was found. */
export interface FoundConfig extends Config {
  readonly path: string;
  readonly folder: string;
}

const DEFAULT_NAME = "taskledger.config.mjs";
const names = ["store", "types"];

/** The config file that is named, or the one in this folder; undefined if there is none. */
export async function readConfig(cwd: string, named: string | undefined): Promise<FoundConfig | undefined> {
  const path = resolve(cwd, named ?? DEFAULT_NAME);
  if (!existsSync(path)) {
    if (named === undefined) return undefined;
    throw commandError(exitCodes.usage, "NO_CONFIG", `there is no file ${path}`, "Check the path after --config.");
  }
  return { ...check(path, await load(path)), path, folder: dirname(path) };
}

async function load(path: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw invalid(path, `it can't be loaded: ${(error as Error).message}`);
  }
}

function check(path: string, config: unknown): Config {
  if (typeof config !== "object" || config === null) throw invalid(path, "its default export is not an object");
  const stray = Object.keys(config).find((name) => !names.includes(name));
  if (stray !== undefined)
    throw invalid(path, `there is no setting ${JSON.stringify(stray)}; there are ${names.join(" and ")}`);
  const { store, types } = config as Record<string, unknown>;
  if (store !== undefined && typeof store !== "string" && typeof store !== "function")
    throw invalid(path, "store is neither a URL nor a function");
  if (
    types !== undefined &&
    !(Array.isArray(types) && types.every((type) => ["string", "function"].includes(typeof type)))
  )
    throw invalid(path, "types is not an array of task classes and paths");
  return config;
}

function invalid(path: string, reason: string) {
  const advice = 'It looks like this: export default { store: "sqlite:./ledger.db", types: ["tasks.binpb"] };';
  return commandError(exitCodes.usage, "INVALID_CONFIG", `${path}: ${reason}`, advice);
}
