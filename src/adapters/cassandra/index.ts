export { CassandraAdapter, type CassandraAdapterOptions } from "./adapter.js";
export type { LedgerOptions } from "./arguments.js";
export type { CassandraConnectionOptions, CreateSchemaOptions } from "./connect.js";
export type { SweepReport } from "./ledger/sweeper.js";
export type { SchemaInit } from "./schema/tables.js";
