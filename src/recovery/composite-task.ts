import { type Composite, CompositeSchema } from "../../gen/taskledger/v1/composite_pb.js";
import { isClaimed, NEVER } from "../adapter/claim-store.js";
import { checkOptions, checkSpelling, type OptionNames, readOptions } from "../core/arguments.js";
import { mapConcurrently } from "../core/concurrency.js";
import { describeValue, messageOf } from "../core/describe-value.js";
import { TaskError } from "../core/errors.js";
import { readArgument } from "../core/read-from.js";
import { DEFAULT_CLOCK_LIMIT, dateToVersion } from "../core/version.js";
import type { DataInterface } from "../interface/data-interface.js";
import { servicesOf } from "../interface/interface-state.js";
import { readStates } from "../interface/lists.js";
import { defaultHome } from "../task/default-home.js";
import { OpaqueTask } from "../task/opaque-task.js";
import { Task } from "../task/task.js";
import { stateOf } from "../task/task-state.js";
import type { ExecuteContext } from "../task/task-types.js";
import {
  checkPerformOptions,
  type PerformContext,
  type PerformOptions,
  type PerformResult,
  performOptionNames,
} from "./perform-options.js";
import { Performer } from "./performer.js";
import { setRetryTime } from "./retry-time.js";

/** Options of {@link CompositeTask.run}. */
export interface RunOptions extends PerformOptions {
  /** Maximum number of children that are done at once. @defaultValue 1: one after the other, oldest first */
  readonly concurrency?: number | undefined;
}

/** Another host's lease counts as ended only after this time, in milliseconds: the clocks may differ. */
const CLOCKS_APART = 3_000;

/** The composites that are being executed, outermost first. */
const UNDER_WAY = Symbol("composites under way");

type CompositeContext = ExecuteContext & { readonly [UNDER_WAY]?: readonly Task[] };

const runOptions: OptionNames<RunOptions> = { ...performOptionNames, concurrency: true };

/**
 * A task whose work is another list: it executes, then completes, each open task of that list. Register it like any
 * other type.
 *
 *     await tasks.create(CompositeTask, { taskList: "nightly", id: "fetch", childTaskList: "acme.com" });
 */
export class CompositeTask extends Task<typeof CompositeSchema> {
  /** The schema of the data. */
  static readonly schema: typeof CompositeSchema = CompositeSchema;
  /** The full name of the data's message. */
  static readonly type: "taskledger.v1.Composite" = "taskledger.v1.Composite";

  /** The full name of the data's message. */
  override get type(): "taskledger.v1.Composite" {
    return CompositeTask.type;
  }

  /** The list whose tasks are the children. */
  get childTaskList(): Composite["childTaskList"] {
    return this.data.childTaskList;
  }

  /**
   * Does the open children as they are asked for, oldest first, each like `perform`: under a claim, so that no other worker does
   * it at the same time. A child that fails stays open, unless it is given up. If iteration stops early, no more are started.
   * A composite that is already being executed further up is skipped, so that lists may contain one another; if your own
   * `execute` calls `run`, pass its context for this: `this.run({ ...context, concurrency: 4 })`. It must then throw if any of
   * the results leaves a child open, whatever its type; `super.execute({ ...context, concurrency: 4 })` does that for you.
   */
  run(options: RunOptions | ExecuteContext = {}): AsyncGenerator<PerformResult, void, undefined> {
    const context = readContext(options);
    // A context may have other members, too.
    checkSpelling(context, [...Object.keys(runOptions), "claim", "attempt", "services"]);
    const given = Object.entries(context).filter(([name]) => Object.hasOwn(runOptions, name));
    // The composite itself waits to be tried again, not its children.
    const { concurrency, backoff = { initial: 0 }, ...rest } = readOptions(Object.fromEntries(given), runOptions);
    const { [UNDER_WAY]: outer = [] } = context as CompositeContext;
    return runChildren(this, checkPerformOptions({ ...rest, backoff }), outer, concurrency);
  }

  /**
   * Does all children. Throws COMPOSITE_INCOMPLETE if any of them is still open, so that this task stays open, too; `perform` and
   * `recover` try it again when no other worker's claim to a child is in the way. Children that are given up to a dead-letter
   * list are not open any more.
   *
   * The options of `run` may be given with the context, by an `execute` of your own:
   *
   *     override execute(context: ExecuteContext) {
   *       return super.execute({ ...context, concurrency: 4, maxAttempts: 3, deadLetterList: "dead" });
   *     }
   */
  override async execute(context: ExecuteContext & RunOptions): Promise<void> {
    const own = readContext(context);
    const startedAt = new Date();
    const open: PerformResult[] = [];
    for await (const child of this.run(own)) if (!isSettled(child)) open.push(child);
    if (open.length === 0) for await (const child of savedAgain(this, startedAt, own)) open.push(child);
    const [first] = open;
    if (first === undefined) return;
    const { taskList, id, childTaskList } = this;
    const count = `${open.length} of the tasks of ${describeValue(childTaskList)}`;
    const message = `${count} stay open; the first is ${first.task.id}: ${reasonOf(first)}`;
    const error = new TaskError("COMPOSITE_INCOMPLETE", message, { taskList, id, cause: causeOf(first) });
    const end = await endOfClaims(homeOf(this), childTaskList, open);
    if (end > 0) setRetryTime(error, end + CLOCKS_APART);
    throw error;
  }
}

/**
 * The open children that others have saved again since then, such as to record their progress: the list that was read had an
 * older version of them, or none. Tasks that were made since then are no children.
 */
async function* savedAgain(
  composite: CompositeTask,
  since: Date,
  { signal, [UNDER_WAY]: outer = [] }: CompositeContext,
): AsyncGenerator<PerformResult, void, undefined> {
  const after = dateToVersion(since) - 2n * DEFAULT_CLOCK_LIMIT;
  const tasks = homeOf(composite).all(composite.childTaskList, { after, signal });
  for await (const task of exclude(tasks, [...outer, composite])) {
    const { createdAt = new Date(0), attempt } = task.envelope;
    if (createdAt >= since) continue;
    const { taskList, id } = task;
    const error = new TaskError("COMPOSITE_INCOMPLETE", "it was saved again meanwhile", { taskList, id });
    yield { type: "interrupted", task, attempt, error };
  }
}

/** A copy of a context, which may have members that this class does not know. */
function readContext<T extends object>(context: T): T {
  checkOptions(context);
  return readArgument("options", () => ({ ...context }));
}

function isSettled({ type, ...result }: PerformResult): boolean {
  return type === "completed" || type === "dead-lettered" || ("reason" in result && result.reason === "gone");
}

function reasonOf(result: PerformResult): string {
  return result.type === "passed-over" ? result.reason : messageOf(causeOf(result));
}

function causeOf(result: PerformResult): unknown {
  if ("error" in result) return result.error;
  return result.task instanceof OpaqueTask ? result.task.reason : undefined;
}

function homeOf(composite: CompositeTask): DataInterface {
  return (stateOf(composite).home ?? defaultHome()) as DataInterface;
}

/** Until when children are claimed, or wait to be tried again, in milliseconds since 1970; 0 if none is. */
async function endOfClaims(tasks: DataInterface, taskList: string, open: readonly PerformResult[]): Promise<number> {
  if (tasks.adapter.claims === undefined) return 0;
  const children = open.map(({ task }) => task);
  // The composite has failed already; this only says when to try it again.
  const states = await readStates(tasks.adapter, taskList, children, undefined).catch(() => []);
  const now = Date.now();
  let end = 0;
  for (const [i, state] of states.entries()) {
    const savedAt = children[i]?.envelope.savedAt ?? 0n;
    const isInTheWay =
      state !== undefined && state.until !== NEVER && isClaimed(state, { savedAt }, { now, tolerance: 0 });
    if (isInTheWay) end = Math.max(end, state.until);
  }
  return end;
}

async function* runChildren(
  composite: CompositeTask,
  options: PerformOptions,
  outer: readonly Task[],
  concurrency?: number,
): AsyncGenerator<PerformResult, void, undefined> {
  const tasks = homeOf(composite);
  const underWay = [...outer, composite];
  const execute = (task: Task, context: PerformContext) => task.execute({ ...context, [UNDER_WAY]: underWay } as never);
  const performer = new Performer(tasks, execute, options);
  const { signal = new AbortController().signal } = options;
  const context = { signal, services: servicesOf(tasks) } as ExecuteContext as PerformContext;
  const work = tasks.adapter.claims
    ? (child: Task) => performer.perform(child)
    : (child: Task) => performUnclaimed(child, () => execute(child, context));
  const children = tasks.all(composite.childTaskList, { signal });
  yield* mapConcurrently(exclude(children, underWay), (child) => settleChild(child, work), concurrency);
}

/** If the store could not claim or complete a child, the others are still done. */
async function settleChild(task: Task, work: (task: Task) => Promise<PerformResult>): Promise<PerformResult> {
  try {
    return await work(task);
  } catch (error) {
    return { type: "interrupted", task, attempt: task.envelope.attempt, error };
  }
}

/** On a store without claims. */
async function performUnclaimed(task: Task, execute: () => Promise<unknown>): Promise<PerformResult> {
  if (task instanceof OpaqueTask) return { type: "passed-over", task, reason: "opaque" };
  const result = await execute();
  await task.complete();
  return { type: "completed", task, attempt: 0, result };
}

async function* exclude(tasks: AsyncIterable<Task>, excluded: readonly Task[]): AsyncGenerator<Task, void, undefined> {
  for await (const task of tasks)
    if (!excluded.some(({ taskList, id }) => taskList === task.taskList && id === task.id)) yield task;
}
