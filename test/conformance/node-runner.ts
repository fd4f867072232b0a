import { describe, it } from "node:test";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { describeAdapter } from "../../src/testing/index.js";

/** Run by node itself; see describe-adapter.test.ts. */
describeAdapter("MemoryAdapter", () => new MemoryAdapter(), { describe, it, persistent: false, tasks: 500 });
