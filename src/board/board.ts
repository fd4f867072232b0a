import { Hono } from "hono";
import { checkDuration, checkFunction, type OptionNames, readOptions } from "../core/arguments.js";
import { invalidArgument } from "../core/errors.js";
import { isArray } from "../core/values.js";
import type { DataInterface } from "../index.js";
import { registryOf } from "../inspection/data-view.js";
import type { Access, BoardAction } from "./access.js";
import { visitorOf } from "./access.js";
import { addActions } from "./actions.js";
import { addAssets } from "./assets.js";
import type { BoardApp, BoardContext, BoardEnv } from "./context.js";
import { addEvents } from "./events.js";
import { Links } from "./links.js";
import { LiveUpdates } from "./live-updates.js";
import { fingerprintOf, type PageSource, readPage } from "./page-data.js";
import { addPages, errorPage } from "./pages.js";
import { securityHeaders } from "./security.js";
import { mainOf } from "./views/main.js";

export interface BoardOptions {
  /** The data interface whose tasks are shown; data of its types is decoded. */
  readonly tasks: DataInterface;
  /**
   * What a request may do. Put the board behind your own authentication. Only requests that may `act` can complete and
   * release tasks. @defaultValue everything but actions
   */
  readonly access?: ((request: Request) => Access | Promise<Access>) | undefined;
  /** The path at which the board is mounted, such as `/ledger`. Requests may have it or not. */
  readonly path?: string | undefined;
  /** Called, and awaited, for each action, done or refused. If it throws or rejects, the answer is a 500; the action remains done. */
  readonly onAction?: ((action: BoardAction) => unknown) | undefined;
  /** Interval at which open pages are read again, in milliseconds. @defaultValue 2,000 */
  readonly poll?: number | undefined;
}

export interface Board {
  /** Answers a request, on any server that uses web-standard requests, also through an adapter. */
  fetch(request: Request): Promise<Response>;
  /** Ends the live updates of pages. The data interface stays open. */
  close(): void;
}

const optionNames: OptionNames<BoardOptions> = { tasks: true, access: true, path: true, onAction: true, poll: true };

/**
 * A web page with the open tasks of a store: lists, tasks, their data decoded, who has claimed them; kept up to date
 * while it is open.
 *
 *     const board = createBoard({ tasks, path: "/ledger", access: (request) => (isAdmin(request) ? "act" : "none") });
 *     app.mount("/ledger", board.fetch);
 *
 * @throws INVALID_ARGUMENT
 */
export function createBoard(options: BoardOptions): Board {
  const given = readBoardOptions(options);
  const { tasks, access = () => "read" as const, path = "", onAction = () => undefined, poll = 2_000 } = given;
  const base = path.replace(/\/+$/, "");
  const links = new Links(base);
  const source: PageSource = { tasks, registry: registryOf(tasks.types) };
  const updates = new LiveUpdates(async (request, mayAct, signal) => {
    const page = await readPage(source, request, { signal });
    return { fingerprint: fingerprintOf(page), html: String(await mainOf(page, request, { links, mayAct })) };
  }, poll);
  const app = createApp({ source, links, updates, onAction }, access);
  return {
    fetch: async (request) => app.fetch(withoutBase(request, base)),
    close: () => updates.close(),
  };
}

/** A misspelt `access` must not let everybody in. */
function readBoardOptions(options: BoardOptions): BoardOptions {
  const given = readOptions(options, optionNames);
  const { tasks, access, path = "", onAction, poll = 0 } = given;
  if (!isArray(Object(tasks).types)) throw invalidArgument("tasks", "a DataInterface", tasks);
  if (typeof path !== "string") throw invalidArgument("path", "a path such as /ledger", path);
  checkFunction("access", access);
  checkFunction("onAction", onAction);
  checkDuration("poll", poll);
  return given;
}

function createApp(context: BoardContext, access: NonNullable<BoardOptions["access"]>): BoardApp {
  const app: BoardApp = new Hono<BoardEnv>();
  app.use(async (c, next) => {
    await next();
    for (const [header, value] of Object.entries(securityHeaders)) c.header(header, value);
  });
  app.get("/healthz", (c) => c.text("ok\n"));
  addAssets(app);
  app.use(async (c, next) => {
    const visitor = visitorOf(await access(c.req.raw));
    if (visitor === undefined)
      return errorPage(c, context, 403, "You may not see this", "Ask whoever runs this board.");
    c.set("visitor", visitor);
    return next();
  });
  addPages(app, context);
  addEvents(app, context);
  addActions(app, context);
  app.notFound((c) => errorPage(c, context, 404, "There is no such page", "Begin with the lists."));
  return app;
}

/** Removes the path at which the board is mounted, which some servers leave in the request, and some remove. */
function withoutBase(request: Request, base: string): Request {
  const url = new URL(request.url);
  if (base === "" || (url.pathname !== base && !url.pathname.startsWith(`${base}/`))) return request;
  url.pathname = url.pathname.slice(base.length) || "/";
  return new Request(url, request);
}
