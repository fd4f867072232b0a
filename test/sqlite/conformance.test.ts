import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteAdapter } from "taskledger/sqlite";
import { describeAdapter } from "taskledger/testing";
import { afterAll, describe, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "taskledger-"));
afterAll(() => rmSync(folder, { recursive: true }));

describeAdapter("SqliteAdapter", () => new SqliteAdapter({ path: join(folder, "ledger.db") }), { describe, it });
