/**
 * Conformance tests for adapters: the promises of the `Adapter` interface, as cases for any test runner.
 */
export type { AdapterFactory, ConformanceOptions } from "./options.js";
export type { CaseResult, ConformanceCase, Describe, It } from "./suite.js";
export { adapterCases, describeAdapter, runConformance } from "./suite.js";
