import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseStoreUrl } from "../../store/index.js";
import { type CommandError, commandError, exitCodes } from "../command-error.js";
import type { Terminal } from "../terminal.js";
import type { FoundConfig } from "./config.js";
import type { GlobalOptions } from "./global-options.js";

type StoreOptions = Pick<GlobalOptions, "store" | "passwordFile">;

/**
 * The URL of the store, with its password: from --store, TASKLEDGER_STORE, or the config file. Undefined if the config
 * file creates an adapter.
 */
export async function findStoreUrl(
  { cwd, env }: Terminal,
  options: StoreOptions,
  config: FoundConfig | undefined,
): Promise<string | undefined> {
  const named = options.store ?? (env.TASKLEDGER_STORE || undefined);
  if (named === undefined && typeof config?.store === "function") return undefined;
  const url = named ?? (config && configuredUrl(config));
  if (url === undefined) throw noStore();
  if (options.store !== undefined && hasPassword(options.store)) throw passwordInArguments();
  if (!hasUser(url) || hasPassword(url)) return url;
  const file = options.passwordFile ?? (env.TASKLEDGER_PASSWORD_FILE || undefined);
  const password = file === undefined ? env.TASKLEDGER_PASSWORD : await readPassword(resolve(cwd, file));
  if (password === undefined) throw noPassword();
  return url.replace("@", `:${encodeURIComponent(password)}@`);
}

/** A file's path is relative to the config. */
function configuredUrl({ store, folder }: FoundConfig): string | undefined {
  if (typeof store !== "string") return undefined;
  const address = store.startsWith("sqlite:") ? parseStoreUrl(store) : undefined;
  return address?.kind === "sqlite" ? `sqlite:${encodeURI(resolve(folder, address.path))}` : store;
}

/** Only URLs of Cassandra have a user. The URL has not been checked yet. */
function hasUser(url: string): boolean {
  return /^cassandra:\/\/[^/?#]*@/s.test(url);
}

function hasPassword(url: string): boolean {
  return /^\w+:\/\/[^/@]*:.*@/s.test(url);
}

async function readPassword(path: string): Promise<string> {
  return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
}

const ways = `\
- name a file that contains it: --password-file FILE, or TASKLEDGER_PASSWORD_FILE
- set TASKLEDGER_PASSWORD
- set TASKLEDGER_STORE to the whole URL, or write it into the config file`;

function noStore(): CommandError {
  const advice = `Name one in one of these ways:
- --store sqlite:./ledger.db
- TASKLEDGER_STORE='cassandra://host1,host2/keyspace?datacenter=dc1'
- a file taskledger.config.mjs: export default { store: "sqlite:./ledger.db" };`;
  return commandError(exitCodes.usage, "NO_STORE", "no store is named", advice);
}

function passwordInArguments(): CommandError {
  const text = "--store contains a password, and everybody on this machine can read the arguments of a process";
  const advice = `Leave it out, as in cassandra://USER@HOST/KEYSPACE?datacenter=NAME, and do one of these:\n${ways}`;
  return commandError(exitCodes.usage, "PASSWORD_IN_ARGUMENTS", text, advice);
}

function noPassword(): CommandError {
  const text = "the store's URL has a user and no password";
  return commandError(exitCodes.usage, "NO_PASSWORD", text, `Do one of these:\n${ways}`);
}
