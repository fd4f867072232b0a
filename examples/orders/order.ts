import type { Task, TaskClass } from "taskledger";

/** What a buyer sends. */
export interface Order {
  readonly id: string;
  readonly card: string;
  readonly cents: number;
  readonly mailbox: string;
  readonly words: readonly string[];
  /** Only the second version of the program knows it. */
  readonly language?: string;
}

/** A version of the program. */
export interface Version {
  readonly types: readonly TaskClass<Task>[];
  /** The lists whose tasks go through the queue. */
  readonly lists: readonly string[];
  /** What has to be done for an order: all of it, or nothing. */
  readonly tasksOf: (order: Order) => Task[];
}
