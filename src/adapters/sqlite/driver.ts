import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { TaskError } from "../../core/errors.js";

/** What is used of a driver's database: node:sqlite and better-sqlite3 have these in common. */
export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

export interface Statement {
  run(...values: Value[]): unknown;
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
  iterate(...values: Value[]): IterableIterator<Row>;
}

/** Integers are read as bigints. */
export type Value = string | bigint | Uint8Array | null;
export type Row = Record<string, Value>;

/** A driver for SQLite: the module of Node.js, or the package. */
export type DriverName = "node:sqlite" | "better-sqlite3";

/** Where a driver is, so that a worker thread finds the same one: the name of a built-in module, or the path of a file. */
export interface DriverLocation {
  readonly name: DriverName;
  readonly module: string;
}

/**
 * Before 3.51.3, SQLite may damage a database in WAL mode if one connection writes while another copies the log into the file
 * (the "WAL-reset bug", https://sqlite.org/wal.html).
 */
const FIRST_SAFE_VERSION = [3, 51, 3];

/**
 * The driver that is wanted, or the first that is there: node:sqlite, or else better-sqlite3. Throws MISSING_DRIVER with what
 * is wrong with each.
 */
export function findDriver(wanted?: DriverName): DriverLocation {
  const names: readonly DriverName[] = wanted === undefined ? ["node:sqlite", "better-sqlite3"] : [wanted];
  const problems: string[] = [];
  for (const name of names) {
    const found = name === "node:sqlite" ? findBuiltIn() : findInstalled();
    if (typeof found !== "string") return found;
    problems.push(found);
  }
  throw new TaskError("MISSING_DRIVER", `SQLite has no driver that can be used: ${problems.join("; ")}`);
}

/** Opens a database file that is there. Throws the driver's error. */
export function openDatabase({ name, module }: DriverLocation, path: string, readOnly: boolean): Database {
  const loaded: unknown = name === "node:sqlite" ? process.getBuiltinModule(name) : createRequire(module)(module);
  return name === "node:sqlite"
    ? withBigInts(new (loaded as NodeSqlite).DatabaseSync(path, { readOnly }))
    : withBigInts(new (loaded as BetterSqlite)(path, { readonly: readOnly, timeout: 0 }));
}

type NodeSqlite = { DatabaseSync: new (path: string, options: { readOnly: boolean }) => Database };
type BetterSqlite = new (path: string, options: { readonly: boolean; timeout: number }) => Database;
type Configurable = Statement & { setReadBigInts?(enabled: boolean): void; safeIntegers?(enabled: boolean): void };

/** Taken at run time: in the place of an imported one, webpack puts what it finds while it bundles. */
const { createRequire } = process.getBuiltinModule("node:module");

/** A bundler leaves no URL of this file, or the one that it had before: then a driver is looked for beside the program. */
const program = pathToFileURL(process.argv[1] ?? join(process.cwd(), "index.js")).href;

function resolveDriver(name: string): string {
  try {
    return createRequire(import.meta.url ?? program).resolve(name);
  } catch {
    return createRequire(program).resolve(name);
  }
}

function withBigInts(database: Database): Database {
  const prepare = (sql: string): Statement => {
    const statement: Configurable = database.prepare(sql);
    statement.setReadBigInts?.(true);
    statement.safeIntegers?.(true);
    return statement;
  };
  return { prepare, exec: (sql) => database.exec(sql), close: () => database.close() };
}

/** The location, or what is wrong with it. */
function findBuiltIn(): DriverLocation | string {
  const runtime = process.versions.bun ? `Bun ${process.versions.bun}` : `Node ${process.versions.node}`;
  const advice = "use Node 22.22.3, 24.15 or later";
  if (process.getBuiltinModule?.("node:sqlite") === undefined) return `${runtime} has no node:sqlite (${advice})`;
  const location: DriverLocation = { name: "node:sqlite", module: "node:sqlite" };
  const version = versionOf(location);
  return isSafe(version) ? location : `${runtime} has SQLite ${version}, which may damage its file (${advice})`;
}

function findInstalled(): DriverLocation | string {
  const name = "better-sqlite3";
  const install = `npm install better-sqlite3@${process.versions.node.startsWith("20.") ? "12" : "latest"}`;
  try {
    const location: DriverLocation = { name, module: resolveDriver(name) };
    const version = versionOf(location);
    return isSafe(version) ? location : `${name} has SQLite ${version}, which may damage its file (${install})`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "MODULE_NOT_FOUND"
      ? `better-sqlite3 is not installed (${install})`
      : `better-sqlite3 can't be loaded: ${message}`;
  }
}

function versionOf(location: DriverLocation): string {
  const database = openDatabase(location, ":memory:", false);
  try {
    return String(database.prepare("SELECT sqlite_version() AS version").get()?.version);
  } finally {
    database.close();
  }
}

function isSafe(version: string): boolean {
  const parts = version.split(".").map(Number);
  const difference = FIRST_SAFE_VERSION.map((least, i) => (parts[i] ?? 0) - least).find((each) => each !== 0);
  return (difference ?? 0) >= 0;
}
