import type { Adapter, OperationOptions, StoredTask } from "../adapter/adapter.js";
import { type ClaimState, isClaimed, REDELIVERY } from "../adapter/claim-store.js";
import { claimsOf } from "../claims/checked-claims.js";
import { checkBoolean, checkCount, type OptionNames, readOperation } from "../core/arguments.js";
import { chunks } from "../core/concurrency.js";
import { TaskError } from "../core/errors.js";
import { checkTaskList } from "../core/keys.js";
import { callStore, toStoreError } from "../core/store-error.js";
import { processClock, versionToDate } from "../core/version.js";
import { Yielder } from "../core/yielding.js";

/** Options of `DataInterface.stats`. */
export interface StatsOptions extends OperationOptions {
  /** Maximum number of tasks that are counted. @defaultValue 10,000 */
  readonly max?: number | undefined;
  /** Whether to read the claims, too; this costs one read per task on Cassandra. @defaultValue true */
  readonly claims?: boolean | undefined;
}

/** Statistics of a list. */
export interface ListStats {
  /** The number of open tasks, or `max` if there are more. */
  readonly open: number;
  /** Whether there are more than were counted. */
  readonly isCapped: boolean;
  /**
   * When the oldest of the counted tasks was saved; never later than now. A task that was saved by a clock that was ahead may
   * be of any age: it counts as older than all others, as in `stale`, so that this is the year 1970, until the time of its
   * version has come.
   */
  readonly oldest: Date | undefined;
  /** How many of the counted tasks are claimed. */
  readonly claimed: number;
  /** How many of the counted tasks wait to be tried again. */
  readonly waiting: number;
  /** How many of the counted tasks have been claimed more than once. */
  readonly retried: number;
}

const PAGE = 1_000;
const STATES_AT_ONCE = 500;
const statsOptions: OptionNames<StatsOptions> = { max: true, claims: true, signal: true };

/** See `DataInterface.lists`. */
export async function* listNames(
  adapter: Adapter,
  { signal }: OperationOptions,
): AsyncGenerator<string, void, undefined> {
  if (adapter.lists === undefined) throw new TaskError("UNSUPPORTED", "this store can't name its lists");
  try {
    for await (const page of adapter.lists({ signal })) yield* page;
  } catch (thrown) {
    throw toStoreError(thrown, "not-applied");
  }
}

/** See `DataInterface.stats`. */
export async function readStats(adapter: Adapter, taskList: string, options: StatsOptions): Promise<ListStats> {
  return callStore("not-applied", () => countTasks(adapter, taskList, options));
}

async function countTasks(adapter: Adapter, taskList: string, options: StatsOptions): Promise<ListStats> {
  checkTaskList(taskList);
  const { max = 10_000, claims = true, signal } = readOperation(options, statsOptions);
  checkCount("max", max);
  checkBoolean("claims", claims);
  const found: Pick<StoredTask, "id" | "savedAt" | "savedTime">[] = [];
  const pageSize = Math.min(PAGE, max + 1);
  const pages = adapter.all(taskList, { pageSize, maxPageBytes: Infinity, withoutBodies: true, signal });
  const yielder = new Yielder();
  for await (const page of pages) {
    found.push(...page);
    if (found.length > max) break;
    await yielder.after(page.length);
  }
  const counted = found.slice(0, max);
  const states = claims && adapter.claims ? await readStates(adapter, taskList, counted, signal) : [];
  const now = Date.now();
  const isHeld = (state: ClaimState, i: number) =>
    isClaimed(state, { savedAt: counted[i]?.savedAt ?? 0n }, { now, tolerance: 0 });
  const count = (matches: (state: ClaimState, i: number) => boolean) =>
    states.filter((state, i) => state !== undefined && matches(state, i)).length;
  return {
    open: counted.length,
    isCapped: found.length > max,
    oldest: oldestOf(counted),
    claimed: count((state, i) => state.owner !== undefined && state.owner !== REDELIVERY && isHeld(state, i)),
    waiting: count((state, i) => state.owner === undefined && isHeld(state, i)),
    retried: count(({ attempt }) => attempt > 1),
  };
}

/** When the first of some tasks was saved. */
function oldestOf(tasks: readonly Pick<StoredTask, "savedAt" | "savedTime">[]): Date | undefined {
  if (tasks.length === 0) return undefined;
  const horizon = processClock.horizon();
  let oldest = processClock.now();
  for (const { savedAt, savedTime = savedAt } of tasks) {
    if (savedTime > horizon) return new Date(0);
    if (savedTime < oldest) oldest = savedTime;
  }
  return versionToDate(oldest);
}

/** The states of the claims to a list's tasks, in their order; undefined if there is none. */
export async function readStates(
  adapter: Adapter,
  taskList: string,
  tasks: readonly { readonly id: string }[],
  signal: AbortSignal | undefined,
): Promise<(ClaimState | undefined)[]> {
  const states: (ClaimState | undefined)[] = [];
  const yielder = new Yielder();
  for (const some of chunks(tasks, STATES_AT_ONCE)) {
    const keys = some.map(({ id }) => ({ taskList, id }));
    states.push(...(await claimsOf(adapter).states(keys, { signal })));
    await yielder.after(some.length);
  }
  return states;
}
