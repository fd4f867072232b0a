import type { Adapter } from "../adapter/adapter.js";
import { forEachConcurrently } from "../core/concurrency.js";
import { type ListStats, listNames, readStats, type StatsOptions } from "../interface/lists.js";
import { ageOf } from "./age.js";

/** The view of a list. */
export interface ListView {
  readonly taskList: string;
  /** The number of open tasks that were counted, and whether there are more. */
  readonly open: number;
  readonly isCapped: boolean;
  /** When the oldest open task was saved, in ISO 8601; null if this is unknown, because a clock was wrong. */
  readonly oldest?: string | null;
  /** How many of the counted tasks are claimed, wait to be tried again, and were tried more than once. */
  readonly claimed: number;
  readonly waiting: number;
  readonly retried: number;
}

/** Maximum number of lists that are read at once. */
const CONCURRENCY = 16;

/** The lists that have open tasks, by name. Throws what the store throws. */
export async function viewLists(adapter: Adapter, options: StatsOptions): Promise<ListView[]> {
  const { signal } = options;
  const names: string[] = [];
  for await (const name of listNames(adapter, { signal })) names.push(name);
  return viewListsOf(adapter, names.sort(), options);
}

/** Of these lists, those that have open tasks. */
export async function viewListsOf(
  adapter: Adapter,
  names: readonly string[],
  options: StatsOptions,
): Promise<ListView[]> {
  const views: ListView[] = new Array(names.length);
  await forEachConcurrently([...names.entries()], CONCURRENCY, async ([i, name]) => {
    views[i] = viewList(name, await readStats(adapter, name, options));
  });
  return views.filter(({ open }) => open > 0);
}

export function viewList(taskList: string, { oldest, ...counts }: ListStats): ListView {
  if (oldest === undefined) return { taskList, ...counts };
  const moment = oldest.toISOString();
  return { taskList, ...counts, oldest: ageOf(moment) === undefined ? null : moment };
}
