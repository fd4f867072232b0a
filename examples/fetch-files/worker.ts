// Fetches files, notes their digests and completes their tasks: tasks that it reads from the standard input as frames, or
// the open tasks of the store.

import { DataInterface, OpaqueTask } from "taskledger";
import { openStore } from "taskledger/store";
import { FetchFile } from "./fetch-file.js";
import { Manifest } from "./manifest.js";
import { job, runProcess, tell } from "./messages.js";

const CONCURRENCY = 8;
const { store, list, manifest: manifestPath, source } = job();

await runProcess(async () => {
  await using tasks = new DataInterface({ types: [FetchFile], adapter: await openStore(store) });
  const manifest = await Manifest.open(manifestPath);

  async function finish(task: FetchFile | OpaqueTask): Promise<void> {
    try {
      const digest = await task.execute({ signal: AbortSignal.timeout(30_000) });
      if (task instanceof OpaqueTask) return;
      await manifest.add(digest as string, task.filename);
      await task.complete(); // last: if this process dies earlier, the task is still open, and done again
      tell({ event: "done" });
    } catch (error) {
      tell({ event: "left-open", reason: (error as Error).message });
    }
  }

  const toDo = source === "frames" ? tasks.decodeFrames(process.stdin) : tasks.all(list);
  const work = async () => {
    for (let next = await toDo.next(); !next.done; next = await toDo.next()) await finish(next.value);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  await manifest.close();
});
