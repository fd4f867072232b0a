// Redelivers tasks that the queue has lost, and does the nightly work.
import { lookAfter } from "./handing-over.js";
import { runPart } from "./part.js";

await runPart(({ tasks, queue, version, settings, signal }) =>
  lookAfter(tasks, queue, version.lists, settings.timing, signal),
);
