export { CassandraAdapter, type CassandraAdapterOptions } from "./adapter.js";
export type { CassandraConnectionOptions, CreateSchemaOptions, SchemaInit } from "./connection.js";
export type { LedgerOptions } from "./options.js";
export type { SweepReport } from "./sweeper.js";
