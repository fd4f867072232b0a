// The workers of two hosts share a list: each task is done by one of them at a time. One of the hosts dies; the other does its
// tasks once its claims have ended. One task always fails; it ends among the dead letters.
//
//     npx tsx examples/recovery/main.ts [--store URL]

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DataInterface } from "taskledger";
import { openStore } from "taskledger/store";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { Deed } from "./deed.js";

const TASKS = 60;
/** Number of tasks that are done when the first host dies. */
const CRASH_AT = 20;

const { values } = parseArgs({ options: { store: { type: "string" } } });
const scratch = mkdtempSync(join(tmpdir(), "recovery-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const store = values.store ?? `sqlite:${encodeURI(join(scratch, "ledger.db"))}`;
const list = `recovery ${new Date().toISOString()}`;

await using tasks = new DataInterface({
  types: [FetchFileTask],
  adapter: await openStore(store, { createSchema: { replicas: 1 } }),
});
const ids = [...Array.from({ length: TASKS - 1 }, (_, i) => `file${i}`), "poison"];
await tasks.saveAll(ids.map((id) => FetchFileTask.build({ taskList: list, id, filename: id })));

const done = new Map<string, string[]>();
const begun = new Map<string, number>();
const hosts = ["host A", "host B"].map(startHost);
while ((await count(list)) > 0) await sleep(100);
for (const host of hosts) if (host.connected) host.disconnect();
await Promise.all(hosts.map(hasEnded));

for (const [host, its] of done) console.log(`${host} has done ${its.length} tasks`);
const again = [...begun].filter(([id, times]) => times > 1 && id !== "poison").map(([id]) => id);
console.log(`begun by both, since host A died: ${again.join(", ") || "none"}`);
for await (const { envelope } of tasks.all(`${list} dead`)) {
  const { headers } = envelope;
  const [id, attempts, reason] = ["id", "attempts", "reason"].map((name) => headers[`taskledger-dead-${name}`]);
  console.log(`dead letter: ${id}, after ${attempts} attempts: ${reason}`);
}
console.log(`open at the end: ${await count(list)}`);

function startHost(name: string): ChildProcess {
  const script = fileURLToPath(new URL("host.ts", import.meta.url));
  const host = fork(script, [name, list], { execArgv: ["--import", "tsx"], env: { ...process.env, STORE: store } });
  host.on("message", (deed: Deed) => {
    if (deed.what === "begins") begun.set(deed.id, (begun.get(deed.id) ?? 0) + 1);
    if (deed.what === "completed") done.set(name, [...(done.get(name) ?? []), deed.id]);
    if (name === "host A" && (done.get(name)?.length ?? 0) >= CRASH_AT) host.kill("SIGKILL");
  });
  return host;
}

async function hasEnded(host: ChildProcess): Promise<void> {
  if (host.exitCode === null && host.signalCode === null) await once(host, "exit");
}

async function count(name: string): Promise<number> {
  let open = 0;
  for await (const _ of tasks.all(name)) open++;
  return open;
}
