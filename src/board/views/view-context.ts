import type { Visitor } from "../access.js";
import type { Links } from "../links.js";

/** What the parts of a page know beside what it shows. */
export interface ViewContext {
  readonly links: Links;
  readonly mayAct: Visitor["mayAct"];
}
