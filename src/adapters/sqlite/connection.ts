import { TaskError } from "../../core/errors.js";
import { type Database, type DriverLocation, openDatabase, type Row, type Statement, type Value } from "./driver.js";
import { BUSY, resultCode } from "./errors.js";
import { APPLICATION_ID, LAYOUT, SCHEMA } from "./schema.js";

/** One connection to a ledger's database, with its statements prepared once. */
export class Connection {
  /** Without symbolic links. */
  readonly path: string;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  /**
   * Makes the tables if the file is empty. `busyTimeout` is how long opening waits for the locks of other processes, with
   * this thread, in milliseconds. Throws SCHEMA_MISMATCH, and what SQLite throws.
   */
  constructor(driver: DriverLocation, path: string, readOnly: boolean, busyTimeout: number) {
    this.path = path;
    this.#database = openDatabase(driver, path, readOnly);
    try {
      this.#open(path, readOnly, busyTimeout);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #open(path: string, readOnly: boolean, busyTimeout: number): void {
    this.#database.exec(`PRAGMA busy_timeout = ${Math.ceil(busyTimeout)}`);
    const isNew = this.#isNew(path);
    if (!readOnly) {
      const mode = this.get("PRAGMA journal_mode = WAL")?.journal_mode;
      if (mode !== "wal") throw new TaskError("UNAVAILABLE", `the SQLite store ${path}: its disk allows no WAL mode`);
      // A commit is on the disk when it returns; on macOS also out of the disk's own cache.
      this.#database.exec("PRAGMA synchronous = FULL");
      this.#database.exec("PRAGMA fullfsync = ON");
      if (isNew) this.#createTables(path);
      this.get("SELECT latest FROM ledger"); // which makes the log, if it is not there
    }
    // Whoever waits from here on must not hold up the thread.
    this.#database.exec("PRAGMA busy_timeout = 0");
  }

  /** Whether the file is empty. What is asked belongs together: another process may just be making the tables. */
  #isNew(path: string): boolean {
    this.#database.exec("BEGIN");
    try {
      return this.#checkLayout(path);
    } finally {
      this.rollBack();
    }
  }

  /** Whether the file is empty. Throws SCHEMA_MISMATCH. */
  #checkLayout(path: string): boolean {
    const id = Number(this.get("PRAGMA application_id")?.application_id);
    const layout = Number(this.get("PRAGMA user_version")?.user_version);
    if (id === APPLICATION_ID && layout === LAYOUT) return false;
    if (id === APPLICATION_ID)
      throw mismatch(path, `it has layout ${layout}, and this version of taskledger works with ${LAYOUT}: update it`);
    if (this.get("SELECT name FROM sqlite_schema LIMIT 1"))
      throw mismatch(path, "another program made it: name a file of its own");
    return true;
  }

  #createTables(path: string): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      // Another process may have made them in the meantime.
      if (this.#checkLayout(path)) this.#database.exec(SCHEMA);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  iterate(sql: string, ...values: Value[]): IterableIterator<Row> {
    return this.#statement(sql).iterate(...values);
  }

  /** The number of rows that were changed. */
  run(sql: string, ...values: Value[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** Begins to write; false while another connection does. */
  begin(): boolean {
    try {
      this.run("BEGIN IMMEDIATE");
      return true;
    } catch (error) {
      if (resultCode(error) === BUSY) return false;
      throw error;
    }
  }

  commit(): void {
    this.run("COMMIT");
  }

  rollBack(): void {
    try {
      this.run("ROLLBACK");
    } catch {
      // SQLite has done so by itself, as it does if the disk is full.
    }
  }

  close(): void {
    this.#database.close();
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function mismatch(path: string, reason: string): TaskError {
  return new TaskError("SCHEMA_MISMATCH", `the SQLite store ${path}: ${reason}`);
}
