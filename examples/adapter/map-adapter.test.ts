import { describe, it } from "node:test";
import { describeAdapter } from "taskledger/testing";
import { MapAdapter, type Rows } from "./map-adapter.js";

// All adapters of the factory are on one store. It has no claims, and can't save several tasks together or name its lists.
const rows: Rows = new Map();
describeAdapter("MapAdapter", () => new MapAdapter(rows), {
  describe,
  it,
  claims: false,
  together: false,
  lists: false,
});
