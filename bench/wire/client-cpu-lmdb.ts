import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LmdbAdapter } from "taskledger/lmdb";
import type { Context } from "../benchmark.js";
import type { Row } from "../row.js";
import { measureClientCpu } from "./client-cpu.js";

export async function* run(context: Context): AsyncGenerator<Row, void> {
  const path = await mkdtemp(join(tmpdir(), "taskledger-bench-"));
  const adapter = new LmdbAdapter({ path });
  try {
    yield* measureClientCpu("LMDB", adapter, 20_000, context);
  } finally {
    await adapter.close();
    await rm(path, { recursive: true, force: true });
  }
}
