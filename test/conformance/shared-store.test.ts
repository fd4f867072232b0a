import { describe, it } from "vitest";
import { describeAdapter } from "../../src/testing/index.js";
import { SharedStore } from "./shared-store.js";

const { connect, options } = new SharedStore();

/** With every option given, so that no case is skipped. */
describeAdapter("a shared store", connect, { describe, it, ...options, tasks: 1000 });
