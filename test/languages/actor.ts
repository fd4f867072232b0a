/** What a client does in the tests, in whichever language. Envelopes are in base64, versions in decimal. */
export interface Actor {
  readonly name: string;
  /** Begins with a clock that has met nothing. */
  open(): Promise<void>;
  save(task: HeldTask, situation: Situation): Promise<HeldTask & Failable>;
  complete(envelope: string, situation: Situation): Promise<Failable>;
  find(id: string, situation: Situation): Promise<string | null>;
  /** The open tasks, in the order in which they come. */
  list(situation: Situation): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A task as a process holds it, with the versions that saves of unknown outcome may have left. */
export interface HeldTask {
  readonly envelope: string;
  readonly replaced: readonly string[];
}

export interface Failable {
  readonly error: { readonly code: string; readonly outcome: string } | null;
}

export interface Situation {
  readonly taskList: string;
  /** Where the process's clock stands, in microseconds. */
  readonly now: bigint;
  /** Where Cassandra's clock stands: machines that run these tests are too busy for the true one. */
  readonly serverNow: bigint;
  /** What becomes of a batch that it sends: the answer is lost, or the request. */
  readonly fault?: "answer" | "request" | undefined;
}

/** How far clocks may be off, in microseconds. */
export const CLOCK_LIMIT = 1_000_000n;
