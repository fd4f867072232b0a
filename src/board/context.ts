import type { Hono } from "hono";
import type { BoardAction, Visitor } from "./access.js";
import type { Links } from "./links.js";
import type { LiveUpdates } from "./live-updates.js";
import type { PageSource } from "./page-data.js";

/** What the routes share. */
export interface BoardContext {
  readonly source: PageSource;
  readonly links: Links;
  readonly updates: LiveUpdates;
  readonly onAction: (action: BoardAction) => unknown;
}

export type BoardEnv = { Variables: { visitor: Visitor } };
export type BoardApp = Hono<BoardEnv>;
