import type { Context } from "hono";
import { LEAST_WAIT } from "../adapter/claim-store.js";
import { isTaskError, type Task } from "../index.js";
import { viewClaim } from "../inspection/claim-view.js";
import type { BoardAction } from "./access.js";
import type { BoardApp, BoardContext, BoardEnv } from "./context.js";
import { readVersion } from "./links.js";
import { errorPage } from "./pages.js";
import { isFromBoard } from "./security.js";

/** The fields of a form. */
interface Order {
  readonly taskList: string;
  readonly id: string;
  readonly version: bigint;
}

type Result = BoardAction["result"];

/** Adds the routes that complete and release. For visitors who may not act, they do not exist. */
export function addActions(app: BoardApp, context: BoardContext): void {
  const actions = { complete, release };
  for (const [name, act] of Object.entries(actions))
    app.post(`/${name}`, async (c) => {
      if (!c.get("visitor").mayAct) return c.notFound();
      if (!isFromBoard(c.req.raw))
        return errorPage(c, context, 403, "This does not come from the board", "Use the board's own page.");
      const order = await readOrder(c);
      if (order === undefined) return errorPage(c, context, 400, "This form is not whole", "Use the board's own page.");
      return perform(c, context, name as BoardAction["action"], order, act);
    });
}

async function readOrder(c: Context<BoardEnv>): Promise<Order | undefined> {
  const { list: taskList, id } = c.req.query();
  const { version } = await c.req.parseBody();
  const savedAt = typeof version === "string" ? readVersion(version) : undefined;
  if (taskList === undefined || id === undefined || savedAt === undefined) return undefined;
  return { taskList, id, version: savedAt };
}

/** Performs an action, and reports its result to `onAction`, also if it fails. */
async function perform(
  c: Context<BoardEnv>,
  context: BoardContext,
  action: BoardAction["action"],
  order: Order,
  act: (context: BoardContext, order: Order) => Promise<Result>,
): Promise<Response> {
  const { who } = c.get("visitor");
  const note = async (result: Result) => context.onAction({ at: new Date(), action, ...order, who, result });
  let result: Result;
  try {
    result = await act(context, order);
  } catch (error) {
    await note("failed");
    if (!isTaskError(error) || error.outcome !== "unknown") throw error;
    const advice =
      "The store did not answer in time: it may have been done. Look at the task, and do it again if need be.";
    return errorPage(c, context, 503, "It is not known whether it was done", advice);
  }
  await note(result);
  return respond(c, context, order, result);
}

async function complete({ source: { tasks } }: BoardContext, { taskList, id, version }: Order): Promise<Result> {
  const task = (await tasks.find(taskList, id)) as Task | undefined;
  if (task === undefined) return "not-open";
  if (task.envelope.savedAt !== version) return "newer-version";
  await tasks.complete(task);
  return "done";
}

async function release({ source: { tasks } }: BoardContext, { taskList, id }: Order): Promise<Result> {
  const { claims } = tasks.adapter;
  const [state] = (await claims?.states([{ taskList, id }])) ?? [];
  if (state === undefined || viewClaim(state, state.savedAt, Date.now()).state !== "claimed") return "not-claimed";
  await claims?.release({ taskList, id, token: state.token }, LEAST_WAIT);
  return "done";
}

async function respond(c: Context<BoardEnv>, context: BoardContext, order: Order, result: Result): Promise<Response> {
  switch (result) {
    case "not-open":
      return errorPage(c, context, 404, "This task is not open", "Somebody has completed it.");
    case "not-claimed":
      return errorPage(c, context, 409, "Nobody has this task", "The claim has ended by itself.");
    case "newer-version":
      return errorPage(
        c,
        context,
        409,
        "The task has changed",
        "It was saved again since you have seen it, and stays open. Look at it again.",
      );
    default:
      return c.redirect(context.links.task(order.taskList, order.id), 303);
  }
}
