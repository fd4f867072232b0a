import { configure, type DataInterface } from "taskledger";
import { openStore } from "taskledger/store";
import { loadVersion } from "./load-version.js";
import type { Version } from "./order.js";
import { Outside } from "./outside.js";
import { openQueue } from "./queues/open-queue.js";
import type { Queue } from "./queues/queue.js";
import { readSettings, type Settings } from "./settings.js";

/** What each process of the service needs. */
export interface Part {
  readonly settings: Settings;
  readonly tasks: DataInterface;
  readonly queue: Queue;
  readonly version: Version;
  /** Aborted by SIGTERM: the process then finishes its current work, and begins no more. */
  readonly signal: AbortSignal;
}

/** Runs a process of the service until SIGTERM, or until the main process ends. */
export async function runPart(run: (part: Part) => Promise<void>): Promise<void> {
  const end = new AbortController();
  process.once("SIGTERM", () => end.abort());
  process.once("disconnect", () => process.exit(1));
  const settings = readSettings();
  const version = await loadVersion(settings.version);
  const adapter = await openStore(settings.store);
  const tasks = configure({ types: version.types, adapter, services: { outside: new Outside(settings) } });
  const queue = await openQueue(settings.queue);
  process.send?.({ part: "ready" });
  await run({ settings, tasks, queue, version, signal: end.signal });
  await queue.close();
  await tasks.close();
  process.removeAllListeners("disconnect");
  process.disconnect?.();
}
