/** The options of a worker, which are sent as JSON. */
export interface WorkerOptions {
  readonly worker: string;
  readonly list: string;
  /** The file that all workers write to. */
  readonly log: string;
  readonly store: { readonly path: string } | { readonly cassandra: object };
  /** In milliseconds. */
  readonly lease: number;
  readonly concurrency: number;
  /** How long its work takes, in milliseconds. */
  readonly shortest: number;
  readonly longest: number;
}
