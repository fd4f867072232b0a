/** A message of a host to the main process about a task. */
export interface Deed {
  readonly host: string;
  readonly what: "begins" | "completed" | "failed" | "dead-lettered";
  readonly id: string;
  readonly attempt: number;
  readonly token?: string;
}
