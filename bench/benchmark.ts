import type { Coordinates } from "../test/support/cassandra/supply.js";
import type { Row } from "./row.js";

/** The options of a benchmark. They can be sent to another process. */
export interface Context {
  /** The number of rounds that are measured. */
  readonly rounds: number;
  /** Counts are divided by this: 1, or 20 for a quick look. */
  readonly divisor: number;
  /** Only for suites that need a Cassandra. */
  readonly cassandra?: Coordinates | undefined;
  /** The folder of the last version that had an adapter for LMDB, built; see sqlite/with-lmdb.ts. */
  readonly withLmdb?: string | undefined;
  /** Of the suite `bounds`, only the shapes whose names contain this; of batches, the one that is made of the parts it names. */
  readonly shape?: string | undefined;
}

export function scaled({ divisor }: Context, count: number): number {
  return Math.ceil(count / divisor);
}

/** A benchmark yields rows as they are measured, and runs in a process of its own. */
export interface Benchmark {
  run(context: Context): AsyncIterable<Row>;
}

export interface Suite {
  /** The title of its picture. */
  readonly title?: string;
  readonly needs?: "cassandra";
  /** In the order in which they run; each is imported when it runs. */
  readonly benchmarks: Readonly<Record<string, () => Promise<Benchmark>>>;
  /** Parts of benchmarks that need a process of their own; `warm-up` comes before all benchmarks. */
  readonly probes?: Readonly<Record<string, () => Promise<Probe>>>;
}

export interface Probe {
  run(params: never): AsyncIterable<unknown>;
}
