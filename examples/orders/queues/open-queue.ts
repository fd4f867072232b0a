import type { Queue, QueueAddress } from "./queue.js";

/** Opens a queue; its driver is only imported if it is used. */
export async function openQueue(address: QueueAddress): Promise<Queue> {
  if (address.kind === "bullmq") return new (await import("./bullmq.js")).BullQueue(address.port);
  if (address.kind === "pg-boss") return (await import("./pg-boss.js")).BossQueue.open(address.url);
  return new (await import("./pipes.js")).PipeQueue();
}
