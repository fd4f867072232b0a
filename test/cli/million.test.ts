import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { runOnTerminal, start } from "./process.js";

/** A million with EXPORT_TASKS=1000000; ten times fewer show the same in less time. */
const COUNT = Number(process.env.EXPORT_TASKS ?? 100_000);

/** What Node and the store need, however many tasks there are, in MiB. */
const MOST_MEMORY = 350;

const folder = temporaryFolder();
const [from, to] = ["from", "to"].map((name) => join(folder, `${name}.db`)) as [string, string];
const file = join(folder, "all.tasks");

test.runIf(process.platform === "linux")(
  `${COUNT.toLocaleString("en")} tasks are exported and imported with flat memory, and a line says how far it is`,
  { timeout: 1_800_000 },
  async () => {
    const source = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path: from }) });
    const many = function* () {
      for (let i = 0; i < COUNT; i++)
        yield FetchFileTask.build({ taskList: `list ${i % 3}`, id: `${i}`, filename: `${i}.txt` });
    };
    await source.saveAll(many(), { batchSize: 2_000, concurrency: 2 });
    await source.close();

    // The other end of the pipe is slow, so that there is something to tell, however fast the machine is.
    const exported = await runOnTerminal(`taskledger export | (sleep 2; cat >'${file}')`, {
      env: { TASKLEDGER_STORE: `sqlite:${from}` },
    });
    expect(exported.out).toMatch(/\[K[\d,]+ tasks exported/);
    expect(exported.out).toContain(`Exported ${COUNT} tasks of 3 lists.`);

    const env = { TASKLEDGER_STORE: `sqlite:${to}` };
    const slowly = `(head -c 500000 '${file}'; sleep 2; tail -c +500001 '${file}')`;
    const imported = await runOnTerminal(`${slowly} | taskledger import`, { env });
    expect(imported.out).toMatch(/\[K[\d,]+ tasks imported/);
    expect(imported).toMatchObject({ code: 0, out: expect.stringContaining(`Imported ${COUNT} tasks.`) });

    // Once more, without a terminal: what memory each takes at most. And all are there: not one is left to import.
    const exportedAgain = await measure(["export"], env, `${file} again`);
    expect(exportedAgain).toMatchObject({ code: 0, err: `Exported ${COUNT} tasks of 3 lists.\n` });
    expect(exportedAgain.memory).toBeLessThan(MOST_MEMORY);
    const importedAgain = await measure(["import", file, "--on-conflict", "skip"], env);
    expect(importedAgain).toMatchObject({
      ...{ code: 0, err: `Imported 0 tasks, and left ${COUNT} that were open already.\n` },
    });
    expect(importedAgain.memory).toBeLessThan(MOST_MEMORY);
  },
);

/** Runs the command, and gives the largest resident set of its process, in MiB. */
async function measure(args: string[], env: Record<string, string>, output = "/dev/null") {
  const child = await start(args, { env });
  child.stdin?.end();
  let memory = 0;
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    memory = Math.max(memory, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }, 50);
  const closed = once(child, "close");
  const err = text(child.stderr as never);
  await pipeline(child.stdout as never, createWriteStream(output));
  await closed;
  clearInterval(timer);
  expect(memory).toBeGreaterThan(10); // it was looked at
  return { code: child.exitCode, err: await err, memory };
}
