// Does the tasks that the queue delivers.
import { work } from "./handing-over.js";
import { runPart } from "./part.js";

await runPart(({ tasks, queue, settings, signal }) => work(tasks, queue, settings.timing, signal));
