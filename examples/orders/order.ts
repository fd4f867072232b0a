import type { Task, TaskClass } from "taskledger";

/** A buyer's order. */
export interface Order {
  readonly id: string;
  readonly card: string;
  readonly cents: number;
  readonly mailbox: string;
  readonly words: readonly string[];
  /** Only known to the second version of the program. */
  readonly language?: string;
}

/** A version of the program. */
export interface Version {
  readonly types: readonly TaskClass<Task>[];
  /** The lists whose tasks go through the queue. */
  readonly lists: readonly string[];
  /** The tasks of an order, which are saved together. */
  readonly tasksOf: (order: Order) => Task[];
}
