import { readOptions } from "../core/arguments.js";
import { invalidArgument } from "../core/errors.js";
import { isIterable, SourceReader, supplyOf } from "../core/pull-source.js";
import { readOr } from "../core/values.js";
import { defaultHome } from "../task/default-home.js";
import type { Task } from "../task/task.js";
import type { ListOptions } from "../task/task-state.js";
import { listOptionNames } from "./listing.js";

/** A source of tasks; a function is called when its source is reached, once per iteration. */
export type TaskSource<T> = Iterable<T> | AsyncIterable<T> | (() => Iterable<T> | AsyncIterable<T>);

/**
 * Tasks from several sources, one after the other, lazily. Sources can be appended at any time, even during an iteration,
 * which then includes them.
 *
 *     const tasks = new TaskGenerator(filesToFetch).append(existingTasks("acme.com"));
 *     await ledger.saveAll(tasks);
 */
export class TaskGenerator<T extends Task = Task> implements AsyncIterable<T> {
  /** The sources, in the order in which they are read. */
  readonly sources: readonly TaskSource<T>[];

  constructor(...sources: TaskSource<T>[]) {
    this.sources = [];
    this.append(...sources);
  }

  /** Appends sources; returns the generator itself, for chaining. */
  append(...sources: TaskSource<T>[]): this {
    for (const source of sources) (this.sources as TaskSource<T>[]).push(checkSource(source));
    return this;
  }

  /** Reads the sources one after the other, from the first; each iteration starts anew. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let i = 0; i < this.sources.length; i++) {
      const source = this.sources[i] as TaskSource<T>;
      const given = typeof source === "function" ? source() : source;
      yield* elementsOf(given, "that the function gives an iterable or an async iterable");
    }
  }
}

/** Options of {@link existingTasks}. */
export interface ExistingTasksOptions<T extends Task> extends ListOptions {
  /** The data interface or task class that lists the tasks. @defaultValue the configured data interface */
  readonly tasks?:
    | {
        /** The open tasks of a list. */
        all(taskList: string, options?: ListOptions): AsyncIterable<T>;
      }
    | undefined;
}

/** The open tasks of a list as a generator, oldest first; each iteration reads the list anew. */
export function existingTasks<T extends Task = Task>(
  taskList: string,
  options: ExistingTasksOptions<T> = {},
): TaskGenerator<T> {
  const { tasks, ...listOptions } = readOptions(options, { ...listOptionNames, tasks: true });
  if (tasks !== undefined && !readOr(false, () => typeof tasks.all === "function"))
    throw invalidArgument("tasks", "a data interface or a task class", tasks);
  return new TaskGenerator<T>(() => (tasks ?? defaultHome()).all(taskList, listOptions) as AsyncIterable<T>);
}

function checkSource<T>(source: TaskSource<T>): TaskSource<T> {
  return typeof source === "function" && !isClass(source)
    ? source
    : checkIterable(source, "an iterable, an async iterable, or a function that gives one");
}

/** A class can't be called like a function. */
function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function checkIterable<I extends object>(value: I, expected: string): I {
  if (isIterable(value)) return value;
  throw invalidArgument("source", expected, value);
}

async function* elementsOf<T>(
  source: Iterable<T> | AsyncIterable<T>,
  expected: string,
): AsyncGenerator<T, void, undefined> {
  const reader = new SourceReader(supplyOf(source, expected), undefined);
  try {
    for (;;) {
      const next = (await reader.next()) as IteratorResult<T>;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.close();
  }
}
