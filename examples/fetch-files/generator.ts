// Walks the folder, serves it, and for each file saves a task and writes it to the standard output.

import { once } from "node:events";
import { DataInterface } from "taskledger";
import { openStore } from "taskledger/store";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { serveFiles } from "./file-server.js";
import { listFiles } from "./files.js";
import { HandOver } from "./hand-over.js";
import { job, runProcess, tell } from "./messages.js";

const { store, list, folder } = job();

await runProcess(async () => {
  const dismissed = once(process, "SIGTERM");
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter: await openStore(store) });
  const server = await serveFiles(folder);
  const worker = new HandOver();

  async function* build(): AsyncGenerator<FetchFileTask> {
    for (const filename of await listFiles(folder)) {
      await worker.ready();
      yield FetchFileTask.build({ taskList: list, externalHost: server.host, filename });
    }
  }
  await tasks.saveAll(build(), {
    onSaved(task) {
      tell({ event: "saved", file: task.filename });
      worker.add(task); // after the save, so that the worker can complete the task
    },
  });
  worker.end();
  tell({ event: "all-saved" });

  await dismissed; // the files are served until then
  server.close();
});
