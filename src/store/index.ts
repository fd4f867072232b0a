export type { OpenStoreOptions } from "./open-store.js";
export { openStore } from "./open-store.js";
export type { CassandraAddress, MemoryAddress, SqliteAddress, StoreAddress } from "./store-url.js";
export { parseStoreUrl } from "./store-url.js";
