import type { OperationOptions } from "../adapter/adapter.js";
import { claimsOf } from "../claims/checked-claims.js";
import { withoutClaimed } from "../claims/claiming.js";
import { checkSignal } from "../core/abort.js";
import { checkBoolean, checkDuration, type OptionNames, readOptions } from "../core/arguments.js";
import { checkTaskList } from "../core/keys.js";
import { dateToVersion } from "../core/version.js";
import type { Task } from "../task/task.js";
import { registryOf } from "./interface-state.js";
import { type ListSource, listTasks, type Pages } from "./listing.js";

export interface StaleOptions extends OperationOptions {
  /** In milliseconds. */
  readonly olderThan: number;
  /** Skips tasks that are claimed, or that wait to be tried again, at the time they are read. */
  readonly unclaimed?: boolean | undefined;
}

const staleOptions: OptionNames<StaleOptions> = { olderThan: true, unclaimed: true, signal: true };

/** The worker that looks for unclaimed tasks. */
export interface Seeker {
  /** The owner whose own claims are ignored. */
  readonly owner?: string | undefined;
  /** While it returns true, tasks that were saved at about the same time come in random order. */
  readonly isContested?: (() => boolean) | undefined;
}

/** As `DataInterface.stale`. */
export function listStale(
  tasks: ListSource["home"],
  taskList: string,
  options: StaleOptions,
  seeker: Seeker = {},
): AsyncGenerator<Task, void, undefined> {
  checkTaskList(taskList);
  const { olderThan, unclaimed = false, signal } = readOptions(options, staleOptions);
  checkDuration("olderThan", olderThan);
  checkBoolean("unclaimed", unclaimed);
  checkSignal(signal);
  // Ages are in milliseconds, and the one that has begun counts: nothing is younger than 0.
  const savedBefore = dateToVersion(new Date(Math.floor(Date.now() - olderThan) + 1));
  const claims = unclaimed ? claimsOf(tasks.adapter) : undefined;
  const filter = claims && ((pages: Pages) => withoutClaimed(claims, taskList, pages, { ...seeker, signal }));
  return listTasks({ home: tasks, registry: registryOf(tasks), taskList }, { savedBefore, signal, filter });
}
