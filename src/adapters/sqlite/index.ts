export { SqliteAdapter, type SqliteAdapterOptions } from "./adapter.js";
export type { DriverName } from "./driver.js";
