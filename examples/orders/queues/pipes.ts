import { aborted, type ConsumeOptions, type Message, type Queue } from "./queue.js";

/** The messages between a process and the broker, over the pipe between them. */
export type PipeMessage =
  | { readonly pipe: "send"; readonly messages: readonly Message[] }
  | { readonly pipe: "ready"; readonly room: number }
  | { readonly pipe: "deliver"; readonly body: Uint8Array };

/** A queue in the memory of the process that has started this one (see broker.ts). It keeps nothing durably. */
export class PipeQueue implements Queue {
  send(messages: readonly Message[]): Promise<void> {
    return tell({ pipe: "send", messages });
  }

  async consume(handle: (body: Uint8Array) => Promise<void>, { concurrency, signal }: ConsumeOptions): Promise<void> {
    const underWay = new Set<Promise<void>>();
    const take = (message: PipeMessage) => {
      if (message.pipe !== "deliver" || signal.aborted) return;
      const work = handle(message.body)
        .catch(() => undefined) // lost here, but open in the ledger
        .then(() => tell({ pipe: "ready", room: 1 }))
        .finally(() => underWay.delete(work));
      underWay.add(work);
    };
    process.on("message", take);
    await tell({ pipe: "ready", room: concurrency });
    await aborted(signal);
    await Promise.all(underWay);
    process.off("message", take);
  }

  async close(): Promise<void> {}
}

function tell(message: PipeMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, undefined, {}, (error) => (error ? reject(error) : resolve()));
  });
}
