import type { Adapter, StoredTask } from "../adapter/adapter.js";
import { checkSignal, throwIfAborted } from "../core/abort.js";
import { checkCount, type OptionNames, readOptions } from "../core/arguments.js";
import { invalidArgument } from "../core/errors.js";
import { toStoreError } from "../core/store-error.js";
import { timeOf } from "../core/values.js";
import { dateToVersion, isVersion, type Version } from "../core/version.js";
import { Yielder } from "../core/yielding.js";
import type { TaskTypeRegistry } from "../task/registry.js";
import type { Task } from "../task/task.js";
import { readStoredTask } from "../task/task-reading.js";
import type { ListOptions, TaskHome } from "../task/task-state.js";

export type Pages = AsyncIterable<readonly StoredTask[]>;

/**
 * Maximum number of tasks read at once. Twice as many are no faster, and live long enough for V8 to take them for lasting:
 * a pass over a long list then peaks at three times the memory.
 */
const READ_AT_ONCE = 500;

/** Maximum number of bytes read at once. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;

/** Where a list is read, and with which types. */
export interface ListSource {
  readonly home: TaskHome & { readonly adapter: Adapter };
  readonly registry: TaskTypeRegistry;
  readonly taskList: string;
}

export interface ListingOptions {
  readonly savedBefore: Version | undefined;
  readonly after?: Version | undefined;
  readonly limit?: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Filters or reorders tasks, a page at a time. */
  readonly filter?: ((pages: Pages) => Pages) | undefined;
}

/** The open tasks of a list, read a page at a time as they are asked for. */
export async function* listTasks(
  { home, registry, taskList }: ListSource,
  { savedBefore, after, limit = Infinity, signal, filter }: ListingOptions,
): AsyncGenerator<Task, void, undefined> {
  const pageSize = Math.min(limit, READ_AT_ONCE);
  const { adapter } = home;
  try {
    const pages = adapter.all(taskList, { pageSize, maxPageBytes: MAX_PAGE_BYTES, savedBefore, after, signal });
    const yielder = new Yielder();
    let count = 0;
    for await (const page of filter ? filter(pages) : pages) {
      for (const stored of page) {
        throwIfAborted(signal); // adapters check the signal only once per page
        yield readStoredTask(stored, taskList, home, registry);
        if (++count >= limit) return;
      }
      // Of a page that is empty, some tasks were filtered.
      await yielder.after(Math.max(page.length, 16), bytesOf(page));
    }
  } catch (thrown) {
    throw toStoreError(thrown, "not-applied");
  }
}

function bytesOf(page: readonly StoredTask[]): number {
  return page.reduce((sum, { body }) => sum + body.length, 0);
}

export const listOptionNames: OptionNames<ListOptions> = { savedBefore: true, after: true, limit: true, signal: true };

/** Throws INVALID_ARGUMENT. */
export function readListOptions(options: ListOptions): ListingOptions {
  const { savedBefore, after, limit, signal } = readOptions(options, listOptionNames);
  checkSignal(signal);
  if (limit !== undefined) checkCount("limit", limit);
  if (after !== undefined && !isVersion(after))
    throw invalidArgument("after", "a version (bigint, in microseconds)", after);
  return { savedBefore: checkSavedBefore(savedBefore), after, limit, signal };
}

/** The version that a cutoff stands for. Throws INVALID_ARGUMENT. */
function checkSavedBefore(value: Date | Version | undefined): Version | undefined {
  if (value === undefined || typeof value === "bigint") return value;
  if (!Number.isNaN(timeOf(value) ?? Number.NaN)) return dateToVersion(value);
  throw invalidArgument("savedBefore", "a Date or a version (bigint, in microseconds)", value);
}
