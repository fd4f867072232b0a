import { type BatchShape, isPrepared } from "./batch-shape.js";

/** The CQL of everything that is read and written, for the tables of one keyspace. */
export interface Statements {
  readonly putTask: string;
  readonly putEntry: string;
  readonly deleteTask: string;
  readonly deleteEntry: string;
  readonly deleteEntries: string;
  readonly readTask: string;
  readonly readTasks: string;
  readonly readVersions: string;
  readonly readEntries: string;
  readonly readLastEntry: string;
  readonly readEntry: string;
  readonly putSweep: string;
  readonly readSweep: string;
  readonly readClock: string;
}

/** How long what a sweep found is kept, in seconds: longer than the tombstones that it speaks of. */
const SWEEP_TTL = 20 * 24 * 3600;

export function statementsFor(keyspace: string): Statements {
  const tasks = `"${keyspace}".tasks`;
  const ledger = `"${keyspace}".open_tasks`;
  const sweeps = `"${keyspace}".sweeps`;
  const partition = "task_list = ? AND shard = ?";
  return {
    putTask: `INSERT INTO ${tasks} (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`,
    putEntry: `INSERT INTO ${ledger} (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`,
    deleteTask: `DELETE FROM ${tasks} USING TIMESTAMP ? WHERE ${partition} AND id = ?`,
    deleteEntry: `DELETE FROM ${ledger} USING TIMESTAMP ? WHERE ${partition} AND saved_at = ? AND id = ?`,
    deleteEntries: `DELETE FROM ${ledger} USING TIMESTAMP ? WHERE ${partition} AND saved_at > ? AND saved_at < ?`,
    readTask: `SELECT body, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id = ?`,
    readTasks: `SELECT id, body, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id IN ?`,
    readVersions: `SELECT id, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id IN ?`,
    readEntries:
      `SELECT saved_at, id, size FROM ${ledger} WHERE ${partition} ` +
      "AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?",
    readLastEntry: `SELECT saved_at, id FROM ${ledger} WHERE ${partition} AND saved_at > ? ORDER BY saved_at DESC LIMIT 1`,
    readEntry: `SELECT saved_at, id FROM ${ledger} WHERE ${partition} AND saved_at = ? AND id = ?`,
    putSweep:
      `INSERT INTO ${sweeps} (task_list, shard, swept_to, stretches) VALUES (?, ?, ?, ?) ` +
      `USING TIMESTAMP ? AND TTL ${SWEEP_TTL}`,
    readSweep: `SELECT swept_to, stretches FROM ${sweeps} WHERE ${partition}`,
    readClock: "SELECT toUnixTimestamp(now()) AS now FROM system.local",
  };
}

/** A batch of saves and completes that is one statement. */
export interface PreparedBatch {
  /** First the saves, then the completes. */
  readonly text: string;
  isReady: boolean;
  isPreparing: boolean;
}

/** The batches of a keyspace that are prepared, as far as they have been wanted. */
export class PreparedBatches {
  readonly #statements: Statements;
  readonly #batches = new Map<string, PreparedBatch>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Undefined where batches of this shape are not prepared. */
  of(shape: BatchShape | undefined): PreparedBatch | undefined {
    if (shape === undefined || !isPrepared(shape)) return undefined;
    const key = `${shape.saves} ${shape.completes}`;
    let batch = this.#batches.get(key);
    if (batch === undefined) {
      batch = { text: this.#textOf(shape), isReady: false, isPreparing: false };
      this.#batches.set(key, batch);
    }
    return batch;
  }

  #textOf({ saves, completes }: BatchShape): string {
    const { putTask, putEntry, deleteTask, deleteEntry } = this.#statements;
    const saving = `${putTask}; ${putEntry}; `.repeat(saves);
    const completing = `${deleteTask}; ${deleteEntry}; `.repeat(completes);
    return `BEGIN BATCH ${saving}${completing}APPLY BATCH`;
  }
}
