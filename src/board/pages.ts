import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { isTaskError, type Task } from "../index.js";
import { rawBytes } from "../inspection/data-view.js";
import type { BoardApp, BoardContext, BoardEnv } from "./context.js";
import { readPageRequest } from "./links.js";
import { type PageRequest, readPage } from "./page-data.js";
import { document } from "./views/layout.js";
import { mainOf, titleOf } from "./views/main.js";
import { messageMain } from "./views/message-view.js";

const views = { "/": "lists", "/list": "list", "/task": "task" } as const;

/** Adds the routes of the pages, of the same content as JSON, and of a task's bytes. */
export function addPages(app: BoardApp, context: BoardContext): void {
  for (const [path, view] of Object.entries(views)) {
    app.get(path, (c) => answer(c, context, view, (request) => pageOf(c, context, request)));
    app.get(`/api/${view}`, (c) => answer(c, context, view, (request) => jsonOf(c, context, request)));
  }
  app.get("/bytes", (c) => answer(c, context, "task", (request) => bytesOf(c, context, request)));
  app.onError((error, c) => failurePage(c, context, error));
}

/** Refuses invalid parameters. */
async function answer(
  c: Context<BoardEnv>,
  context: BoardContext,
  view: string,
  respond: (request: PageRequest) => Promise<Response>,
): Promise<Response> {
  const request = readPageRequest(view, new URL(c.req.url).searchParams);
  if (request !== undefined) return respond(request);
  return errorPage(c, context, 400, "This address makes no sense", "Begin with the lists.");
}

async function pageOf(c: Context<BoardEnv>, { source, links }: BoardContext, request: PageRequest): Promise<Response> {
  const page = await readPage(source, request, { signal: c.req.raw.signal });
  const main = mainOf(page, request, { links, mayAct: c.get("visitor").mayAct });
  const status = page.view === "task" && page.task === undefined ? 404 : 200;
  return c.html(await document({ links, title: titleOf(page), main }), status);
}

async function jsonOf(c: Context<BoardEnv>, { source }: BoardContext, request: PageRequest): Promise<Response> {
  const { view: _, ...page } = await readPage(source, request, { signal: c.req.raw.signal });
  return c.json(page, "task" in page || request.view !== "task" ? 200 : 404);
}

async function bytesOf(c: Context<BoardEnv>, context: BoardContext, request: PageRequest): Promise<Response> {
  const { taskList, id } = request as PageRequest & { view: "task" };
  const task = (await context.source.tasks.find(taskList, id)) as Task | undefined;
  if (task === undefined) return errorPage(c, context, 404, "This task is not open", "There are no bytes of it.");
  return c.body(new Uint8Array(rawBytes(task)), 200, {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": 'attachment; filename="task.bin"',
  });
}

/** A page that reports an error; as JSON for a request for JSON. */
export async function errorPage(
  c: Context<BoardEnv>,
  { links }: BoardContext,
  status: ContentfulStatusCode,
  title: string,
  text: string,
): Promise<Response> {
  if (new URL(c.req.url).pathname.startsWith("/api/")) return c.json({ error: title, advice: text }, status);
  return c.html(await document({ links, title, main: messageMain(title, text, links) }), status);
}

/** The details of an error that is not the store's are only for the log. */
async function failurePage(c: Context<BoardEnv>, context: BoardContext, error: unknown): Promise<Response> {
  if (!isTaskError(error)) {
    console.error(error);
    return errorPage(c, context, 500, "The board has failed", "Its log says more.");
  }
  if (error.code === "INVALID_KEY") return errorPage(c, context, 400, "There can be no such task", error.message);
  return errorPage(c, context, 503, "The store does not answer", `${error.code}: ${error.message}`);
}
