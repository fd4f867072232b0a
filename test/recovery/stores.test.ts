import { join } from "node:path";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { temporaryFolder } from "../support/folders.js";
import { describeOnStore } from "./store-cases.js";

const path = join(temporaryFolder(), "ledger.db");

describeOnStore("in memory", () => new MemoryAdapter());
describeOnStore("on SQLite", () => new SqliteAdapter({ path }));
