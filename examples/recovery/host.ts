// A worker on its own host: recovers a list that others recover, too, until it is asked to end.
//
//     STORE=URL tsx host.ts NAME LIST
//
// The URL may contain a password, and everybody on the machine can read the arguments of a process.

import { setTimeout as sleep } from "node:timers/promises";
import { DataInterface, recover } from "taskledger";
import { openStore } from "taskledger/store";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { Deed } from "./deed.js";

const [name = "", list = ""] = process.argv.slice(2);
const { STORE: store = "" } = process.env;
const stop = new AbortController();
process.once("disconnect", () => stop.abort());
const tell = (deed: Omit<Deed, "host">) => process.send?.({ host: name, ...deed });

await using tasks = new DataInterface({ types: [FetchFileTask], adapter: await openStore(store) });
await recover(
  tasks,
  list,
  async (task, { signal, attempt, claim }) => {
    // A system that has seen a later token refuses a write with this one: see docs/recovery.md.
    tell({ what: "begins", id: task.id, attempt, token: String(claim.token) });
    await sleep(50 + Math.random() * 50, undefined, { signal });
    if (task.id === "poison") throw new Error("it can't be done");
  },
  {
    owner: name,
    olderThan: 0, // the tasks of this example have no other worker
    lease: 1_000,
    concurrency: 2,
    maxAttempts: 3,
    backoff: { initial: 100 },
    deadLetterList: `${list} dead`,
    every: 200,
    signal: stop.signal,
    onEvent(event) {
      if (event.type === "completed" || event.type === "failed" || event.type === "dead-lettered")
        tell({ what: event.type, id: event.task.id, attempt: event.attempt });
    },
  },
);
