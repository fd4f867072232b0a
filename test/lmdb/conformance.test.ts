import { describe, it } from "vitest";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { describeAdapter } from "../../src/testing/index.js";
import { temporaryFolder } from "./folders.js";

const path = temporaryFolder();

describeAdapter("LmdbAdapter", () => new LmdbAdapter({ path }), { describe, it });
