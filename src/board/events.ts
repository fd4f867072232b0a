import { streamSSE } from "hono/streaming";
import type { BoardApp, BoardContext } from "./context.js";
import { readPageRequest } from "./links.js";
import type { Snapshot, Viewer } from "./live-updates.js";
import { errorPage } from "./pages.js";

/** Maximum number of pages that are open at once. */
const MOST_VIEWERS = 200;

/** Interval at which something is sent, in milliseconds, so that no proxy closes the connection as idle. */
const HEARTBEAT = 20_000;

/** Sends a page's new content whenever it changes. */
export function addEvents(app: BoardApp, context: BoardContext): void {
  const { updates } = context;
  app.get("/events", (c) => {
    const { searchParams } = new URL(c.req.url);
    const request = readPageRequest(searchParams.get("view") ?? "", searchParams);
    if (request === undefined)
      return errorPage(c, context, 400, "This address makes no sense", "It is for pages' scripts.");
    if (updates.viewers >= MOST_VIEWERS)
      return errorPage(c, context, 503, "Too many pages are open", "Close some, or reload this one now and then.");
    const { mayAct } = c.get("visitor");
    return streamSSE(c, (stream) => {
      const send = (event: string, data: string) => void stream.writeSSE({ event, data });
      const heartbeat = setInterval(() => send("alive", ""), HEARTBEAT).unref();
      send("alive", "");
      return new Promise<void>((end) => {
        const viewer: Viewer = {
          seen: searchParams.get("seen") ?? "",
          show: ({ html }: Snapshot) => send("page", html),
          fail: () => send("trouble", "The store does not answer."),
          end,
        };
        const stop = updates.watch(request, mayAct, viewer);
        stream.onAbort(() => {
          stop();
          clearInterval(heartbeat);
          end();
        });
      });
    });
  });
}
