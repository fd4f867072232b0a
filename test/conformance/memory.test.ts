import { describe, it } from "vitest";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { describeAdapter } from "../../src/testing/index.js";

/**
 * Every adapter of the project has a file like this one. A store that outlives its adapters is made once, before the
 * factory, which then opens it as often as it is called:
 *
 *     const path = await mkdtemp(join(tmpdir(), "taskledger-"));
 *     describeAdapter("SqliteAdapter", () => new SqliteAdapter({ path }), { describe, it });
 */
describeAdapter("MemoryAdapter", () => new MemoryAdapter(), { describe, it, persistent: false });
