export type { MemoryAdapterOptions } from "./adapter.js";
export { MemoryAdapter } from "./adapter.js";
