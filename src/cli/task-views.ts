import type { Task } from "../index.js";
import { type TaskView, viewTask } from "../inspection/task-view.js";
import { readClaims } from "./open-task.js";
import type { Session } from "./session.js";

/** Number of tasks whose claims are looked up at once. */
const AT_ONCE = 100;

/** Tasks as they are printed, with their claims. */
export async function* viewTasks(
  session: Session,
  source: AsyncIterable<Task>,
): AsyncGenerator<TaskView, void, undefined> {
  let some: Task[] = [];
  for await (const task of source) {
    session.patience.renew();
    some.push(task);
    if (some.length < AT_ONCE) continue;
    yield* await viewSome(session, some);
    some = [];
  }
  yield* await viewSome(session, some);
}

export async function viewSome(session: Session, tasks: readonly Task[]): Promise<TaskView[]> {
  const claims = tasks.length > 0 ? await readClaims(session, tasks) : undefined;
  session.patience.renew();
  const { registry } = session;
  return tasks.map((task, i) => viewTask(task, { registry, claim: claims && (claims[i] ?? null) }));
}
