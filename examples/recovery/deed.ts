/** What a host tells the main process of a task. */
export interface Deed {
  readonly host: string;
  readonly what: "begins" | "completed" | "failed" | "dead-lettered";
  readonly id: string;
  readonly attempt: number;
  readonly token?: string;
}
