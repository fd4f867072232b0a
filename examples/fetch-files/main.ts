// The whole life of tasks, including a crash. A generator saves a task for each file of a folder and sends it to a worker,
// which fetches the file over HTTP, notes its SHA-256 and completes the task. After a while the worker is killed. A second
// worker, which knows only the store, does the tasks that are still open.
//
//     npm start -- [FOLDER] [--store URL]

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DataInterface } from "taskledger";
import { openStore } from "taskledger/store";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { Child } from "./child.js";
import { findWrongDigests, listFiles } from "./files.js";
import { readManifest } from "./manifest.js";
import type { Job } from "./messages.js";
import { Progress, printTable } from "./output.js";

/** The first worker is killed after this fraction of the tasks. */
const CRASH_AT = 0.4;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { store: { type: "string" } } });
  const folder = positionals[0] ?? ".";
  const files = await listFiles(folder);
  if (files.length === 0) throw new Error(`there is no file in ${folder}`);
  const scratch = mkdtempSync(join(tmpdir(), "fetch-files-"));
  // The files are removed, however the example ends; the other processes have ended by then.
  process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
  const store = values.store ?? `sqlite:${encodeURI(join(scratch, "ledger.db"))}`;
  if (store === "memory:")
    throw new Error("memory: is one process's own; name sqlite:PATH or cassandra://HOST/KEYSPACE?…");
  const adapter = await openStore(store, { createSchema: { replicas: 1 } });
  await using tasks = new DataInterface({ types: [FetchFileTask], adapter });
  const list = `fetch-files ${new Date().toISOString()}`;
  await run(tasks, { store, list, folder, manifest: join(scratch, "manifest") }, files.length);
}

async function run(tasks: DataInterface, job: Job, fileCount: number): Promise<void> {
  const started = performance.now();
  const progress = new Progress(fileCount);

  const generator = new Child("generator.ts", job, ["ignore", "pipe", "inherit", "ipc"]);
  const allSaved = once(generator, "all-saved");
  generator.on("saved", (saved) => progress.show({ saved }));
  const first = new Child("worker.ts", { ...job, source: "frames" }, [generator.stdout, "ignore", "inherit", "ipc"]);
  generator.stdout?.destroy(); // the worker has it now
  first.on("done", (done) => {
    progress.show({ done });
    if (done >= fileCount * CRASH_AT) first.crash();
  });
  await Promise.all([first.ended(), Promise.race([allSaved, generator.ended()])]);
  // Asks the store: the worker's last messages may be lost.
  const doneBefore = generator.saved.length - (await countOpen(tasks, job.list));

  const second = new Child("worker.ts", { ...job, source: "store" }, ["ignore", "ignore", "inherit", "ipc"]);
  second.on("done", (done) => progress.show({ done: doneBefore + done }));
  await second.ended();
  generator.dismiss();
  await generator.ended();
  progress.end();

  const open = await countOpen(tasks, job.list);
  printTable([
    ["saved", generator.saved.length],
    ["done before the crash", doneBefore],
    ["recovered", second.done],
    ["open at the end", open],
    ["seconds", ((performance.now() - started) / 1000).toFixed(1)],
  ]);
  if (open > 0) throw new Error(`${open} tasks are still open; the first because of: ${second.leftOpen}`);
  const wrong = await findWrongDigests(job.folder, generator.saved, await readManifest(job.manifest));
  if (wrong.length > 0) throw new Error(`${wrong.length} digests are missing or wrong; the first is of ${wrong[0]}`);
}

async function countOpen(tasks: DataInterface, list: string): Promise<number> {
  let count = 0;
  for await (const _ of tasks.all(list)) count++;
  return count;
}

try {
  await main();
} catch (error) {
  console.error(`fetch-files: ${(error as Error).message}`);
  process.exit(1);
}
