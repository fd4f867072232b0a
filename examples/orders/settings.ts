import type { QueueAddress } from "./queues/queue.js";

/** In milliseconds; a real service has minutes where the example has seconds. */
export interface Timing {
  readonly lease: number;
  /** How long a task that failed waits at most after the first attempt. */
  readonly backoff: number;
  /** What is older is taken for lost by the queue. */
  readonly olderThan: number;
  /** A task is redelivered at most once in it. */
  readonly interval: number;
  /** The pause between looking. */
  readonly every: number;
  /** How many tasks a worker does at once. */
  readonly concurrency: number;
  /** How long a task takes. */
  readonly work: number;
}

/** What each process of the service is told when it starts. */
export interface Settings {
  readonly name: string;
  /** The URL of the ledger. */
  readonly store: string;
  readonly queue: QueueAddress;
  /** The URL of the world outside. */
  readonly world: string;
  /** Of the program. */
  readonly version: 1 | 2;
  readonly timing: Timing;
  /** Whether work goes on though its signal is aborted, as in a program that does not look at it. */
  readonly isDeaf?: boolean;
}

/** The environment's variable that holds them. */
export const SETTINGS = "ORDERS_SETTINGS";

export function readSettings(): Settings {
  return JSON.parse(process.env[SETTINGS] as string);
}
