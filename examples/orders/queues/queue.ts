/** A message of a queue: a task's key for deduplication, and its bytes. */
export interface Message {
  readonly key: string;
  readonly body: Uint8Array;
}

export interface ConsumeOptions {
  /** Maximum number of messages that are handled at once. */
  readonly concurrency: number;
  /** Aborted: no more messages are taken. */
  readonly signal: AbortSignal;
}

/** All that the service needs of a queue: it moves bytes. It may lose messages, and deliver them several times. */
export interface Queue {
  send(messages: readonly Message[]): Promise<void>;
  /** Calls `handle` for each message, and then acknowledges it. When aborted, it ends after the current messages. */
  consume(handle: (body: Uint8Array) => Promise<void>, options: ConsumeOptions): Promise<void>;
  close(): Promise<void>;
}

/** The kind of the queue, and its address. */
export type QueueAddress =
  | { readonly kind: "pipes" }
  | { readonly kind: "bullmq"; readonly port: number }
  | { readonly kind: "pg-boss"; readonly url: string };

export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
