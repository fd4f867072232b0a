import type { QueueAddress } from "./queues/queue.js";

/** In milliseconds; a real service uses minutes instead of the example's seconds. */
export interface Timing {
  readonly lease: number;
  /** Maximum delay after the first attempt of a task that failed. */
  readonly backoff: number;
  /** Older tasks are considered lost by the queue. */
  readonly olderThan: number;
  /** A task is redelivered at most once in this time. */
  readonly interval: number;
  /** The delay between two passes. */
  readonly every: number;
  /** Number of tasks that a worker does at once. */
  readonly concurrency: number;
  /** How long a task takes. */
  readonly work: number;
}

/** The settings of a process of the service. */
export interface Settings {
  readonly name: string;
  /** The URL of the ledger. */
  readonly store: string;
  readonly queue: QueueAddress;
  /** The URL of the outside world. */
  readonly world: string;
  /** The version of the program. */
  readonly version: 1 | 2;
  readonly timing: Timing;
  /** Whether work continues after its signal is aborted, as in a program that ignores the signal. */
  readonly isDeaf?: boolean;
}

/** The environment variable with the settings. */
export const SETTINGS = "ORDERS_SETTINGS";

export function readSettings(): Settings {
  return JSON.parse(process.env[SETTINGS] as string);
}
