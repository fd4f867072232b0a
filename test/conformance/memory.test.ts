import { describe, it } from "vitest";
import { MemoryAdapter } from "../../src/adapters/memory.js";
import { describeAdapter } from "../../src/testing/index.js";

describeAdapter("MemoryAdapter", () => new MemoryAdapter(), { describe, it, persistent: false });
