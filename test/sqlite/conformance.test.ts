import { createRequire } from "node:module";
import { join } from "node:path";
import { SqliteAdapter } from "taskledger/sqlite";
import { describeAdapter } from "taskledger/testing";
import { describe, it } from "vitest";
import { temporaryFolder } from "../support/folders.js";

const path = join(temporaryFolder(), "ledger.db");

let reads = 0;
const { prototype } = createRequire(import.meta.url)("node:sqlite").StatementSync;
for (const name of ["get", "iterate"]) {
  const read = prototype[name];
  prototype[name] = function (this: unknown, ...values: unknown[]) {
    reads++;
    return read.apply(this, values);
  };
}

describeAdapter("SqliteAdapter", () => new SqliteAdapter({ path }), { describe, it, reads: () => reads });
