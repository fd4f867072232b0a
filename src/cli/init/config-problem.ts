import type { Problem } from "../command-error.js";
import type { Edit } from "./yaml-edit.js";

/** A problem of one of buf's files, and how to fix it, if adding to the file is enough. */
export interface ConfigProblem extends Problem {
  readonly add?: Edit;
}
