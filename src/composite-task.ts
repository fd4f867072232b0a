import { type Composite, CompositeSchema } from "../gen/taskledger/v1/composite_pb.js";
import { checkSignal } from "./abort.js";
import { mapConcurrently } from "./concurrency.js";
import { defaultHome } from "./default-home.js";
import { describeValue, TaskError } from "./errors.js";
import { checkOptions, checkSpelling } from "./options.js";
import { Task } from "./task/task.js";
import { stateOf } from "./task/task-state.js";
import type { ExecuteContext } from "./task/task-types.js";

export interface RunOptions {
  /** How many children may execute at once; 1 by default, so that they execute oldest first, one after the other. */
  readonly concurrency?: number | undefined;
  /** Starts no more children; those that execute are given it, too. */
  readonly signal?: AbortSignal | undefined;
}

/** A child that has executed and is completed, or one that has failed and stays open. */
export type ChildResult =
  | { readonly task: Task; readonly result: unknown; readonly error?: undefined }
  | { readonly task: Task; readonly error: unknown; readonly result?: undefined };

/**
 * A task whose work is another list: it executes, then completes, each open task of that list. Register it like any
 * other type.
 *
 *     await tasks.create(CompositeTask, { taskList: "nightly", id: "fetch", childTaskList: "datto.com" });
 */
export class CompositeTask extends Task<typeof CompositeSchema> {
  static readonly schema: typeof CompositeSchema = CompositeSchema;
  static readonly type: "taskledger.v1.Composite" = "taskledger.v1.Composite";

  override get type(): "taskledger.v1.Composite" {
    return CompositeTask.type;
  }

  /** The list whose tasks are the children. */
  get childTaskList(): Composite["childTaskList"] {
    return this.data.childTaskList;
  }

  /**
   * Executes and completes the open children, oldest first, as they are asked for. A child that fails, or whose type
   * this process does not know, stays open and is given with its error. Stopping early starts no more of them. A
   * composite that is being executed further up is passed over, so that lists may contain one another; an `execute` of
   * your own that calls `run` hands on its context for that: `this.run({ ...context, concurrency: 4 })`.
   */
  run(options: RunOptions = {}): AsyncGenerator<ChildResult, void, undefined> {
    checkOptions(options);
    checkSpelling(options, ["concurrency", "signal"]);
    const { concurrency, signal = new AbortController().signal } = options;
    checkSignal(signal);
    return runChildren(this, { ...options, signal }, concurrency);
  }

  /**
   * Runs all children. Throws COMPOSITE_INCOMPLETE if any of them is still open, so that this task stays open, too.
   */
  override async execute(context: ExecuteContext): Promise<void> {
    checkOptions(context);
    let failures = 0;
    let first: ChildResult | undefined;
    for await (const child of runChildren(this, context)) {
      if (child.error === undefined) continue;
      failures++;
      first ??= child;
    }
    if (first === undefined) return;
    const { taskList, id, childTaskList } = this;
    const message = `${failures} tasks of ${describeValue(childTaskList)} failed and stay open; the first is ${first.task.id}`;
    throw new TaskError("COMPOSITE_INCOMPLETE", message, { taskList, id, cause: first.error });
  }
}

/** The composites that are being executed, outermost first. */
const UNDER_WAY = Symbol("composites under way");

interface CompositeContext extends ExecuteContext {
  readonly [UNDER_WAY]?: readonly Task[];
}

async function* runChildren(
  composite: CompositeTask,
  context: CompositeContext,
  concurrency?: number,
): AsyncGenerator<ChildResult, void, undefined> {
  const home = stateOf(composite).home ?? defaultHome();
  const underWay = [...(context[UNDER_WAY] ?? []), composite];
  const children = home.all(composite.childTaskList, { signal: context.signal }) as AsyncGenerator<Task>;
  const inner = { signal: context.signal, [UNDER_WAY]: underWay };
  yield* mapConcurrently(exclude(children, underWay), (child) => runChild(child, inner), concurrency);
}

async function* exclude(tasks: AsyncIterable<Task>, excluded: readonly Task[]): AsyncGenerator<Task, void, undefined> {
  for await (const task of tasks)
    if (!excluded.some(({ taskList, id }) => taskList === task.taskList && id === task.id)) yield task;
}

async function runChild(task: Task, context: ExecuteContext): Promise<ChildResult> {
  try {
    const result = await task.execute(context);
    await task.complete({ signal: context.signal });
    return { task, result };
  } catch (error) {
    return { task, error: error ?? new Error("the child threw nothing") };
  }
}
