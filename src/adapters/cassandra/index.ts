export { CassandraAdapter, type CassandraAdapterOptions } from "./adapter.js";
export type { LedgerOptions } from "./arguments.js";
export type { CassandraConnectionOptions, CreateSchemaOptions, SchemaInit } from "./connect.js";
export type { SweepReport } from "./ledger/sweeper.js";
