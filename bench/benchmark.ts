import type { Coordinates } from "../test/support/cassandra/supply.js";
import type { Row } from "./row.js";

/** What a benchmark is told. It can be sent to another process. */
export interface Context {
  /** How many rounds count. */
  readonly rounds: number;
  /** Counts are divided by this: 1, or 20 for a quick look. */
  readonly divisor: number;
  /** Where the suite needs it. */
  readonly cassandra?: Coordinates | undefined;
  /** The folder of the last version that had an adapter for LMDB, built; see sqlite/with-lmdb.ts. */
  readonly withLmdb?: string | undefined;
}

export function scaled({ divisor }: Context, count: number): number {
  return Math.ceil(count / divisor);
}

/** A benchmark gives rows as they are measured, and runs in a process of its own. */
export interface Benchmark {
  run(context: Context): AsyncIterable<Row>;
}

export interface Suite {
  /** Of its picture. */
  readonly title?: string;
  readonly needs?: "cassandra";
  /** In the order in which they run; imported only where they do. */
  readonly benchmarks: Readonly<Record<string, () => Promise<Benchmark>>>;
  /** Parts of benchmarks that need a process of their own; `warm-up` comes before all benchmarks. */
  readonly probes?: Readonly<Record<string, () => Promise<Probe>>>;
}

export interface Probe {
  run(params: never): AsyncIterable<unknown>;
}
