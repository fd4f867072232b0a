/** A task on its way: its name for the queue, and its bytes. */
export interface Message {
  readonly key: string;
  readonly body: Uint8Array;
}

export interface ConsumeOptions {
  /** How many messages are worked on at once. */
  readonly concurrency: number;
  /** Aborted: no more messages are taken. */
  readonly signal: AbortSignal;
}

/** What the service needs of a queue: that it moves bytes. It may lose messages, and deliver them several times. */
export interface Queue {
  send(messages: readonly Message[]): Promise<void>;
  /** Calls `handle` for each message, and acknowledges it then. Ends once what is under way has been handled. */
  consume(handle: (body: Uint8Array) => Promise<void>, options: ConsumeOptions): Promise<void>;
  close(): Promise<void>;
}

/** Which queue is used, and where it is. */
export type QueueAddress =
  | { readonly kind: "pipes" }
  | { readonly kind: "bullmq"; readonly port: number }
  | { readonly kind: "pg-boss"; readonly url: string };

export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
