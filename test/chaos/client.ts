// A process that uses a store like a user's program, while faults happen to the cluster and to the process itself. The first
// message of its parent is its job; later ones may set its clock, hand it a task, or let it end.
import { DataInterface } from "taskledger";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { buildAdapter } from "./broken.js";
import type { FromClient, Orders, ToClient } from "./client-process.js";
import { LogWriter } from "./log.js";
import { Dice } from "./random.js";
import { Recorder } from "./recorder.js";
import { Workload } from "./workload.js";

const clock = { offset: 0 };
const realNow = Date.now;
Date.now = () => realNow() + clock.offset;

process.once("message", ({ orders }: { orders: Orders }) => void work(orders));

async function work(orders: Orders): Promise<void> {
  const { name, directory, seed, connection, ledger, broken, workload } = orders;
  const adapter = buildAdapter(connection, ledger, broken);
  const tasks = new DataInterface({ types: [FetchFileTask], adapter });
  const recorder = new Recorder(name, tasks, adapter, new LogWriter(directory, name));
  const load = new Workload(recorder, new Dice(seed), { ...workload, name }, (bytes) =>
    say({ task: Buffer.from(bytes).toString("base64") }),
  );
  process.on("message", (message: ToClient) => {
    if ("clock" in message) clock.offset = message.clock;
    if ("task" in message) load.take(tasks.fromBinary(Buffer.from(message.task, "base64")) as FetchFileTask);
    if ("end" in message) load.stop();
  });
  await adapter.open().catch(() => undefined); // a call will try again
  say({ connected: true });
  if (orders.does === "audit") await audit(recorder, orders);
  else await load.run(orders.does === "read" ? "reading" : undefined);
  await tasks.close();
  // If connections break while they are made, timers of cassandra-driver 4.10 keep the process alive for up to 42 s.
  process.exit();
}

/** Reads everything, twice, when no call is in flight any more. */
async function audit(recorder: Recorder, { workload, keys }: Orders): Promise<void> {
  for (let round = 0; round < 2; round++) {
    for (const list of workload.lists) await recorder.all(list);
    const rest = [...keys].reverse();
    const next = async () => {
      for (let key = rest.pop(); key; key = rest.pop()) await recorder.find(...key);
    };
    await Promise.all(Array.from({ length: 64 }, next));
  }
}

function say(message: FromClient): void {
  process.send?.(message);
}
