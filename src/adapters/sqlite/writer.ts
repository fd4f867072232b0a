import type { Version } from "../../core/version.js";
import { Connection } from "./connection.js";
import { OpenFiles } from "./database-file.js";
import { DiskReserve } from "./disk-reserve.js";
import { BUSY, FULL, IO_ERROR, resultCode, storeError, toPlain } from "./errors.js";
import type { Failure, Group, Operation, Result, ThreadStart, Written } from "./operations.js";
import { Transaction } from "./transaction.js";

/** Maximum number of operations in one transaction on a full disk: few, so that the reserve is large enough for them. */
const FREED_AT_ONCE = 64;

/** Writes each group of operations in a transaction of its own, and returns the result of each operation. */
export class Writer {
  readonly #start: ThreadStart;
  readonly #connection: Connection;
  readonly #files: OpenFiles;
  readonly #reserve: DiskReserve;
  #flush = 0;

  /** Throws what opening the file throws. */
  constructor(start: ThreadStart) {
    this.#start = start;
    this.#connection = new Connection(start.driver, start.realPath, false, start.deadline);
    this.#files = new OpenFiles(start.path, start.realPath);
    this.#reserve = new DiskReserve(start.realPath);
    this.#reserve.fill();
  }

  write(group: Group): Written {
    let results = this.#tryWriting(group);
    if (results === FULL) results = this.#writeOnFullDisk(group);
    else this.#reserve.fill();
    return { results, flush: this.#flush };
  }

  close(): void {
    this.#connection.close();
  }

  /** Returns FULL if the disk is full; nothing has been applied then. */
  #tryWriting({ operations, times }: Group): Result[] | typeof FULL {
    let results: Result[] | undefined;
    try {
      this.#files.check();
      this.#begin();
      results = new Transaction(this.#connection, times).run(operations);
      this.#commit();
      this.#files.check("unknown");
      return results;
    } catch (error) {
      this.#connection.rollBack();
      const code = resultCode(error);
      if (code === FULL) return FULL;
      // What could not be flushed may still be on the disk.
      const outcome = results && code === IO_ERROR ? "unknown" : "not-applied";
      const plain = toPlain(storeError(this.#start.path, error, outcome));
      const tried = plain.outcome === "unknown" ? results : undefined;
      return operations.map((_, i) => ({ error: plain, attempted: versionIn(tried?.[i]) }));
    }
  }

  #commit(): void {
    const start = performance.now();
    this.#connection.commit();
    this.#flush = performance.now() - start;
  }

  /** Waits for other processes that write, up to the deadline. */
  #begin(): void {
    const end = performance.now() + this.#start.deadline;
    while (!this.#connection.begin()) {
      if (performance.now() > end) throw storeError(this.#start.path, { errcode: BUSY });
      Atomics.wait(sleeper, 0, 0, 0.2 + Math.random());
    }
  }

  /** First the operations that free space, and may use the reserve; then the others, as far as there is space. */
  #writeOnFullDisk({ operations, times }: Group): Result[] {
    const results = new Map<Operation, Result>();
    const write = (some: readonly Operation[], mayUseReserve: boolean) => {
      let written = this.#tryWriting({ operations: some, times });
      if (written === FULL && mayUseReserve && this.#reserve.use()) {
        this.#shrinkLog();
        written = this.#tryWriting({ operations: some, times });
      }
      for (const [i, each] of some.entries()) results.set(each, written === FULL ? this.#full() : written[i]);
    };
    const freeing = operations.filter(({ kind }) => kind === "complete" || kind === "release");
    for (let i = 0; i < freeing.length; i += FREED_AT_ONCE) write(freeing.slice(i, i + FREED_AT_ONCE), true);
    if (freeing.length > 0) this.#shrinkLog();
    this.#reserve.fill();
    for (const some of joinedOf(operations.filter((operation) => !results.has(operation)))) write(some, false);
    return operations.map((operation) => results.get(operation));
  }

  /** Copies the log into the database and truncates it, as far as other processes allow. */
  #shrinkLog(): void {
    try {
      this.#connection.get("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // The log keeps its size: there is less free space then.
    }
  }

  #full(): Failure {
    return { error: toPlain(storeError(this.#start.path, { errcode: FULL })) };
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Each operation with those that are joined to it. */
function joinedOf(operations: readonly Operation[]): Operation[][] {
  const all: Operation[][] = [];
  for (const operation of operations)
    if (operation.isJoined) all.at(-1)?.push(operation);
    else all.push([operation]);
  return all;
}

function versionIn(result: Result): Version | undefined {
  return typeof result === "bigint" ? result : undefined;
}
