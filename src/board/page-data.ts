import { createHash } from "node:crypto";
import type { Registry } from "@bufbuild/protobuf";
import { yieldToEventLoop } from "../core/yielding.js";
import type { DataInterface, OperationOptions, Task, Version } from "../index.js";
import { type ListView, viewList, viewListsOf } from "../inspection/list-view.js";
import { type TaskView, viewTask } from "../inspection/task-view.js";

/** Which page is asked for. */
export type PageRequest =
  /** The lists whose names come after `after`. */
  | { readonly view: "lists"; readonly after: string }
  /** The tasks of a list that are later than `after`. */
  | { readonly view: "list"; readonly taskList: string; readonly after: Version }
  /** One task; `isWhole` if its data is to be shown however long it is. */
  | { readonly view: "task"; readonly taskList: string; readonly id: string; readonly isWhole: boolean };

export interface ListsPage {
  readonly view: "lists";
  readonly lists: readonly ListView[];
  /** The name after which the next page begins, if there is one. */
  readonly next?: string;
}

export interface ListPage {
  readonly view: "list";
  readonly list: ListView;
  readonly tasks: readonly TaskView[];
  /** Whether these are the first tasks of the list. */
  readonly isFirst: boolean;
  /** The version after which the next page begins, if there is one. */
  readonly next?: string;
}

export interface TaskPage {
  readonly view: "task";
  readonly taskList: string;
  readonly id: string;
  readonly isWhole: boolean;
  /** Absent if it is not open. */
  readonly task?: TaskView;
}

export type Page = ListsPage | ListPage | TaskPage;

/** Where pages are read from. */
export interface PageSource {
  readonly tasks: DataInterface;
  /** The message types that data may contain. */
  readonly registry: Registry;
}

/** Longer data is left out where it is not asked for, in bytes: a list shows the beginning of that of 50 tasks. */
const MOST_IN_LIST = 16 * 1024;
const MOST_AT_ONCE = 64 * 1024;

const LISTS_A_PAGE = 100;
const TASKS_A_PAGE = 50;

/** Reads what a page shows. Throws INVALID_KEY, and what the store throws. */
export function readPage(source: PageSource, request: PageRequest, options: OperationOptions = {}): Promise<Page> {
  switch (request.view) {
    case "lists":
      return readLists(source, request.after, options);
    case "list":
      return readList(source, request.taskList, request.after, options);
    case "task":
      return readTask(source, request, options);
  }
}

/** A hash of a page's content, to detect changes. */
export function fingerprintOf(page: Page): string {
  return createHash("sha256").update(JSON.stringify(page)).digest("base64url").slice(0, 16);
}

async function readLists({ tasks }: PageSource, after: string, { signal }: OperationOptions): Promise<ListsPage> {
  const names: string[] = [];
  for await (const name of tasks.lists({ signal })) if (name > after) names.push(name);
  const some = names.sort().slice(0, LISTS_A_PAGE);
  const lists = await viewListsOf(tasks.adapter, some, { signal });
  const next = names.length > some.length ? some.at(-1) : undefined;
  return { view: "lists", lists, ...(next !== undefined && { next }) };
}

async function readList(
  source: PageSource,
  taskList: string,
  after: Version,
  { signal }: OperationOptions,
): Promise<ListPage> {
  const { tasks } = source;
  const stats = await tasks.stats(taskList, { claims: false, signal });
  const found: Task[] = [];
  for await (const task of tasks.all(taskList, { after, limit: TASKS_A_PAGE + 1, signal })) found.push(task as Task);
  const some = found.slice(0, TASKS_A_PAGE);
  const next = found.length > some.length ? some.at(-1)?.envelope.savedAt : undefined;
  return {
    view: "list",
    list: viewList(taskList, stats),
    tasks: await viewTasks(source, some, MOST_IN_LIST, { signal }),
    isFirst: after === 0n,
    ...(next !== undefined && { next: String(next) }),
  };
}

async function readTask(
  source: PageSource,
  { taskList, id, isWhole }: PageRequest & { view: "task" },
  options: OperationOptions,
): Promise<TaskPage> {
  const found = await source.tasks.find(taskList, id, options);
  const most = isWhole ? Infinity : MOST_AT_ONCE;
  const [task] = found ? await viewTasks(source, [found as Task], most, options) : [];
  return { view: "task", taskList, id, isWhole, ...(task && { task }) };
}

async function viewTasks(
  { tasks: { adapter }, registry }: PageSource,
  tasks: readonly Task[],
  maxBytes: number,
  { signal }: OperationOptions,
): Promise<TaskView[]> {
  const keys = tasks.map(({ taskList, id }) => ({ taskList, id }));
  const claims = tasks.length > 0 ? await adapter.claims?.states(keys, { signal }) : undefined;
  const views: TaskView[] = [];
  for (const [i, task] of tasks.entries()) {
    views.push(viewTask(task, { registry, claim: claims && (claims[i] ?? null), maxBytes }));
    await yieldToEventLoop();
  }
  return views;
}
