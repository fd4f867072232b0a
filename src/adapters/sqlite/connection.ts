import { TaskError } from "../../core/errors.js";
import { type Database, type DriverLocation, openDatabase, type Row, type Statement, type Value } from "./driver.js";
import { BUSY, resultCode, unavailable } from "./errors.js";
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
      this.#database.exec(`PRAGMA busy_timeout = ${Math.ceil(busyTimeout)}`);
      const isEmpty = this.#within("BEGIN", () => this.#isEmpty());
      if (!readOnly) this.#prepareToWrite(isEmpty);
      // Whoever waits from here on must not hold up the thread.
      this.#database.exec("PRAGMA busy_timeout = 0");
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepareToWrite(isEmpty: boolean): void {
    if (this.get("PRAGMA journal_mode = WAL")?.journal_mode !== "wal")
      throw unavailable(this.path, "its disk allows no WAL mode");
    // A commit is on the disk when it returns; on macOS also out of the disk's own cache.
    this.#database.exec("PRAGMA synchronous = FULL");
    this.#database.exec("PRAGMA fullfsync = ON");
    // Another process may have made the tables in the meantime.
    if (isEmpty) this.#within("BEGIN IMMEDIATE", () => this.#isEmpty() && this.#database.exec(SCHEMA));
    this.get("SELECT latest FROM ledger"); // which makes the log, if it is not there
  }

  /** In one transaction, since another process may just be making the tables. Throws SCHEMA_MISMATCH. */
  #isEmpty(): boolean {
    const id = Number(this.get("PRAGMA application_id")?.application_id);
    const layout = Number(this.get("PRAGMA user_version")?.user_version);
    if (id === APPLICATION_ID && layout === LAYOUT) return false;
    if (id !== APPLICATION_ID && !this.get("SELECT name FROM sqlite_schema LIMIT 1")) return true;
    const reason =
      id === APPLICATION_ID
        ? `it has layout ${layout}, and this version of taskledger works with ${LAYOUT}: update it`
        : "another program made it: name a file of its own";
    throw new TaskError("SCHEMA_MISMATCH", `the SQLite store ${this.path}: ${reason}`);
  }

  #within<T>(begin: string, work: () => T): T {
    this.#database.exec(begin);
    try {
      const result = work();
      this.commit();
      return result;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  all(sql: string, ...values: Value[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  iterate(sql: string, ...values: Value[]): IterableIterator<Row> {
    return this.#statement(sql).iterate(...values);
  }

  run(sql: string, ...values: Value[]): void {
    this.#statement(sql).run(...values);
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
