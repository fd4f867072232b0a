import type { Problem } from "../command-error.js";
import type { Edit } from "./yaml-edit.js";

/** What a file of buf's lacks, and how it is added, where that takes nothing of the user's away. */
export interface ConfigProblem extends Problem {
  readonly add?: Edit;
}
