import { describe, it } from "node:test";
import { describeAdapter } from "taskledger/testing";
import { MapAdapter, type Rows } from "./map-adapter.js";

// All adapters of the factory share one store. The adapter has no claims, no saveTogether and no lists.
const rows: Rows = new Map();
describeAdapter("MapAdapter", () => new MapAdapter(rows), {
  describe,
  it,
  claims: false,
  together: false,
  lists: false,
});
