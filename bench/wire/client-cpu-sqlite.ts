import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteAdapter } from "taskledger/sqlite";
import type { Context } from "../benchmark.js";
import type { Row } from "../row.js";
import { measureClientCpu } from "./client-cpu.js";

export async function* run(context: Context): AsyncGenerator<Row, void> {
  const folder = await mkdtemp(join(tmpdir(), "taskledger-bench-"));
  const adapter = new SqliteAdapter({ path: join(folder, "ledger.db") });
  try {
    yield* measureClientCpu("SQLite", adapter, 20_000, context);
  } finally {
    await adapter.close();
    await rm(folder, { recursive: true, force: true });
  }
}
