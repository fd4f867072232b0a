export { SqliteAdapter, type SqliteAdapterOptions } from "./adapter.js";
