// The API: takes orders, starts the nightly work, revives dead letters, and reports metrics.
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { CompositeTask, type DataInterface, isTaskError, revive } from "taskledger";
import { DEAD, handOver } from "./handing-over.js";
import { runPart } from "./part.js";
import { aborted } from "./queues/queue.js";

await runPart(async ({ tasks, queue, version, signal }) => {
  const routes: Record<string, (request: IncomingMessage) => Promise<unknown>> = {
    async "POST /orders"(request) {
      const order = JSON.parse(await text(request));
      await handOver(tasks, queue, version.tasksOf(order));
      return { order: order.id };
    },
    async "POST /nights"(request) {
      const id = await text(request);
      await CompositeTask.create({ taskList: "nightly", id, childTaskList: "bookings" });
      return { night: id };
    },
    "POST /revivals": () => revive(tasks, DEAD),
    "GET /metrics": () => metricsOf(tasks, [...version.lists, "bookings", "nightly", DEAD]),
  };
  const server = createServer(async (request, response) => {
    try {
      const route = routes[`${request.method} ${request.url}`];
      if (route === undefined) return void response.writeHead(404).end();
      response.end(JSON.stringify(await route(request)));
    } catch (error) {
      // The client may send a failed request again: saving is safe to repeat.
      const status = isTaskError(error, "INVALID_DATA") || error instanceof SyntaxError ? 400 : 503;
      response.writeHead(status).end((error as Error).message);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.send?.({ part: "listening", port: (server.address() as { readonly port: number }).port });
  await aborted(signal);
  server.close();
  server.closeIdleConnections();
  await once(server, "close");
});

/** The age of the oldest open task is the metric for an alarm. */
async function metricsOf(tasks: DataInterface, lists: readonly string[]): Promise<unknown> {
  const stats = await Promise.all(lists.map((list) => tasks.stats(list)));
  return Object.fromEntries(
    stats.map(({ open, claimed, waiting, retried, oldest }, i) => {
      const oldestSeconds = oldest ? (Date.now() - oldest.getTime()) / 1000 : 0;
      return [lists[i], { open, claimed, waiting, retried, oldestSeconds }];
    }),
  );
}
