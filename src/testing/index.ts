export type { AdapterFactory, ConformanceOptions } from "./options.js";
export type { CaseResult, ConformanceCase, Describe, It } from "./suite.js";
export { adapterCases, describeAdapter, runConformance } from "./suite.js";
