import { findDriver, openDatabase } from "../../src/adapters/sqlite/driver.js";
import { SCHEMA } from "../../src/adapters/sqlite/schema.js";
import { secondsOf } from "../harness.js";

const save = `INSERT INTO tasks (list, saved_at, id, type, saved_time, body) VALUES (?, ?, ?, ?, NULL, ?)
  ON CONFLICT (list, id) DO UPDATE SET saved_at = excluded.saved_at, type = excluded.type, body = excluded.body`;
const complete = "DELETE FROM tasks WHERE list = ? AND id = ? AND saved_at <= ?";

/**
 * The adapter's statements by the driver alone, in this thread, on the same tables, and equally durable: the speed of a
 * program that does nothing else, and whose calls arrive in groups of exactly the right size.
 */
export class DriverAlone {
  readonly #database;
  readonly #save;
  readonly #complete;
  #version = 1n;

  constructor(path: string) {
    this.#database = openDatabase(findDriver(), path, false);
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    this.#database.exec(SCHEMA);
    this.#save = this.#database.prepare(save);
    this.#complete = this.#database.prepare(complete);
  }

  /** Saves tasks, then completes them, a number of them per transaction; returns tasks per second. */
  async saveAndComplete(bodies: readonly Uint8Array[], together: number): Promise<number> {
    const seconds = await secondsOf(async () => {
      for (let i = 0; i < bodies.length; i += together) {
        const end = Math.min(i + together, bodies.length);
        const first = this.#version - BigInt(i);
        this.#inTransaction(() => {
          for (let j = i; j < end; j++) this.#put(`file${j}.txt`, bodies[j] as Uint8Array);
        });
        this.#inTransaction(() => {
          for (let j = i; j < end; j++) this.#complete.run("work", `file${j}.txt`, first + BigInt(j));
        });
      }
    });
    return bodies.length / seconds;
  }

  /** Saves tasks under new ids; returns tasks per second. */
  async saveAll(bodies: readonly Uint8Array[], together: number): Promise<number> {
    const seconds = await secondsOf(async () => {
      for (let i = 0; i < bodies.length; i += together)
        this.#inTransaction(() => {
          for (const body of bodies.slice(i, i + together)) this.#put(`new${this.#version}.txt`, body);
        });
    });
    return bodies.length / seconds;
  }

  close(): void {
    this.#database.close();
  }

  #put(id: string, body: Uint8Array): void {
    this.#save.run("work", this.#version++, id, "example.v1.FetchFile", body);
  }

  #inTransaction(act: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    act();
    this.#database.exec("COMMIT");
  }
}
