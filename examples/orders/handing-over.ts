// How the service uses its queue and its ledger: it hands tasks over, does them, and redelivers those that the queue has lost.
import { type DataInterface, dispatchKey, perform, recover, redeliver, type Task } from "taskledger";
import type { Queue } from "./queues/queue.js";
import type { Timing } from "./settings.js";

/** The list for tasks that have failed three times. */
export const DEAD = "dead";
const giveUp = { maxAttempts: 3, deadLetterList: DEAD };

const toMessage = (task: Task) => ({ key: dispatchKey(task), body: task.toBinary() });

/** Saves tasks that belong together, then enqueues them. Tasks that can't be enqueued now are redelivered. */
export async function handOver(tasks: DataInterface, queue: Queue, some: readonly Task[]): Promise<void> {
  await tasks.saveTogether(some);
  await queue.send(some.map(toMessage)).catch(() => undefined);
}

/** Does the tasks that the queue delivers. */
export async function work(
  tasks: DataInterface,
  queue: Queue,
  { lease, backoff, concurrency }: Timing,
  signal: AbortSignal,
) {
  const options = { ...giveUp, lease, backoff: { initial: backoff }, signal };
  const handle = async (body: Uint8Array) => void (await perform(tasks, tasks.fromBinary(body), undefined, options));
  await queue.consume(handle, { concurrency, signal });
}

/** Redelivers tasks that the queue has lost, and does the nightly work, which is in no queue. */
export async function lookAfter(
  tasks: DataInterface,
  queue: Queue,
  lists: readonly string[],
  timing: Timing,
  signal: AbortSignal,
) {
  const { lease, olderThan, interval, every } = timing;
  const send = (batch: readonly Task[]) => queue.send(batch.map(toMessage));
  await Promise.all([
    redeliver(tasks, lists, send, { olderThan, interval, every, signal, onFailed: () => undefined }),
    recover(tasks, "nightly", undefined, { olderThan: 0, lease, every, signal }),
  ]);
}
