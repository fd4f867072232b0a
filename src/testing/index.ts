/**
 * The proof of an adapter: what the comments of the `Adapter` interface promise, as cases that any test runner can run.
 */
export type { AdapterFactory, ConformanceOptions } from "./options.js";
export type { CaseResult, ConformanceCase, Describe, It } from "./suite.js";
export { adapterCases, describeAdapter, runConformance } from "./suite.js";
