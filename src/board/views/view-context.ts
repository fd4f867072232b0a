import type { Visitor } from "../access.js";
import type { Links } from "../links.js";

/** What the parts of a page need besides the data that they show. */
export interface ViewContext {
  readonly links: Links;
  readonly mayAct: Visitor["mayAct"];
}
