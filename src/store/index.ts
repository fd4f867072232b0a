export type { OpenStoreOptions, StoreSchema } from "./open-store.js";
export { describeSchema, openStore } from "./open-store.js";
export type { CassandraAddress, MemoryAddress, SqliteAddress, StoreAddress } from "./store-url.js";
export { parseStoreUrl } from "./store-url.js";
