import {
  type Adapter,
  DataInterface,
  type RecoverCounts,
  recover,
  type Task,
  TaskError,
  type TaskErrorCode,
} from "taskledger";
import { type ClaimStore, VersionClock } from "taskledger/adapter";
import { MemoryAdapter } from "taskledger/memory";
import { vi } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";

export { FetchFileTask };
export type Tasks = DataInterface<typeof FetchFileTask>;
export type Handler = Parameters<typeof recover<typeof FetchFileTask>>[2];
export type Options = NonNullable<Parameters<typeof recover<typeof FetchFileTask>>[3]>;
export type Event = Parameters<NonNullable<Options["onEvent"]>>[0];

export const LIST = "acme.com";

/** Time stands still unless a test advances it. */
export function stopTime(): void {
  vi.useFakeTimers({
    now: 1_700_000_000_000,
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
  });
}

export function pass(milliseconds: number): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(milliseconds);
}

/** A new store, whose versions are of this time. */
export function memory(): MemoryAdapter {
  return new MemoryAdapter({ clock: new VersionClock(() => BigInt(Date.now()) * 1000n) });
}

export function openTasks(adapter: Adapter = memory()): Tasks {
  return new DataInterface({ types: [FetchFileTask], adapter });
}

export function create(tasks: Tasks, id = "file1"): Promise<FetchFileTask> {
  return tasks.create(FetchFileTask, { taskList: LIST, id, filename: `${id}.txt` });
}

/** Another worker's copy of an open task. */
export async function find(tasks: Tasks, id = "file1"): Promise<Task> {
  const task = await tasks.find(LIST, id);
  if (task === undefined) throw new Error(`${id} is not open`);
  return task;
}

export async function openIds(tasks: Tasks, list = LIST): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of tasks.all(list)) ids.push(id);
  return ids;
}

/** Replaces a call of the adapter's claims; `instead` gets the original one. */
export function replaceClaims(tasks: Tasks, changes: (claims: ClaimStore) => Partial<ClaimStore>): void {
  const { claims } = tasks.adapter;
  if (claims === undefined) throw new Error("the adapter has no claims");
  const calls: ClaimStore = {
    claim: (...call) => claims.claim(...call),
    renew: (...call) => claims.renew(...call),
    release: (...call) => claims.release(...call),
    states: (...call) => claims.states(...call),
  };
  Object.defineProperty(tasks.adapter, "claims", { value: { ...calls, ...changes(claims) }, configurable: true });
}

export function failing(code: TaskErrorCode, outcome: "unknown" | "not-applied" = "not-applied"): () => Promise<never> {
  return () => Promise.reject(new TaskError(code, "made to fail", { outcome }));
}

/** One pass over all open tasks, with its events about tasks and the store. */
export async function recoverOnce(tasks: Tasks, handler?: Handler, options: Options = {}) {
  const events: Event[] = [];
  const onEvent = (event: Event) => void (event.type === "pass" || events.push(event));
  const counts = await recover(tasks, LIST, handler, { olderThan: 0, onEvent, ...options });
  return { counts, events };
}

/** Counts, with zero for those that are not given. */
export function counted(some: Partial<RecoverCounts>): RecoverCounts {
  return { completed: 0, failed: 0, deadLettered: 0, exhausted: 0, passedOver: 0, interrupted: 0, ...some };
}

export function nothing(): void {}

/** A handler that never ends, and ignores its signal. */
export function hang(): Promise<never> {
  return new Promise(() => {});
}

/** A handler that ends when its signal is aborted. */
export function untilAborted(_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
