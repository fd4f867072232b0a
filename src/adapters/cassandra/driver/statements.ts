/** How long the record of a sweep is kept, in seconds: longer than the tombstones that it records. */
const SWEEP_TTL = 20 * 24 * 3600;

/** The CQL of everything that is read and written, for the tables of one keyspace. */
export function statementsFor(keyspace: string) {
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
    readTask: `SELECT id, body, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id = ?`,
    readTasks: `SELECT id, body, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id IN ?`,
    readVersions: `SELECT id, WRITETIME(body) AS saved_at FROM ${tasks} WHERE ${partition} AND id IN ?`,
    readEntries:
      `SELECT saved_at, id, size FROM ${ledger} WHERE ${partition} ` +
      "AND (saved_at, id) > (?, ?) AND (saved_at) <= (?) LIMIT ?",
    readLastEntry: `SELECT saved_at, id FROM ${ledger} WHERE ${partition} AND saved_at > ? ORDER BY saved_at DESC LIMIT 1`,
    readEntry: `SELECT saved_at, id FROM ${ledger} WHERE ${partition} AND saved_at = ? AND id = ?`,
    putSweep:
      `INSERT INTO ${sweeps} (task_list, shard, swept_to, ranges) VALUES (?, ?, ?, ?) ` +
      `USING TIMESTAMP ? AND TTL ${SWEEP_TTL}`,
    readSweep: `SELECT swept_to, ranges FROM ${sweeps} WHERE ${partition}`,
    readClock: "SELECT toUnixTimestamp(now()) AS now FROM system.local",
  };
}

export type Statements = ReturnType<typeof statementsFor>;
