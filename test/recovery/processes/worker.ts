import { setTimeout as sleep } from "node:timers/promises";
import { type Adapter, type Claim, DataInterface, recover } from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import { SqliteAdapter } from "taskledger/sqlite";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { type Entry, note } from "./log.js";
import type { WorkerOptions } from "./worker-options.js";

/*
 * A process that recovers a list until it is asked to end, and logs what it does. It is killed and stopped from outside.
 */
const { worker, list, log, store, lease, concurrency, shortest, longest } = JSON.parse(
  process.argv[2] as string,
) as WorkerOptions;

const adapter: Adapter = "path" in store ? new SqliteAdapter(store) : new CassandraAdapter(store.cassandra as never);
const tasks = new DataInterface({ types: [FetchFileTask], adapter });
const claims = new Map<string, Claim>();
const tell = ({ id, token }: Pick<Claim, "id" | "token">, what: Entry["what"], until?: number) =>
  note(log, { worker, what, id, token: String(token), ...(until && { until }) });

watchClaims(adapter);
const end = new AbortController();
process.once("SIGTERM", () => end.abort());
process.stdin.once("end", () => process.exit(1)).resume(); // whoever has started it is gone
watchMachine();

await recover(
  tasks,
  list,
  async (_, { claim, signal }) => {
    claims.set(claim.id, claim);
    tell(claim, "began", claim.expiresAt.getTime());
    signal.addEventListener("abort", () => tell(claim, "interrupted"), { once: true });
    await sleep(shortest + Math.random() * (longest - shortest), undefined, { signal });
    tell(claim, "ending");
  },
  {
    olderThan: 0,
    lease,
    concurrency,
    every: 50,
    backoff: { initial: 0 },
    signal: end.signal,
    onEvent(event) {
      if (event.type === "failed") throw event.error;
      if (event.type === "completed") tell(claims.get(event.task.id) as Claim, "completed");
    },
  },
);
await tasks.close();
process.stdin.destroy();

/** A worker without CPU time can't renew its leases, as if it were stopped. */
function watchMachine(): void {
  let last = Date.now();
  const look = () => {
    const milliseconds = Date.now() - last;
    if (milliseconds > lease / 5) note(log, { worker, what: "stalled", id: "", token: "0", milliseconds });
    last = Date.now();
  };
  setInterval(look, 20).unref();
}

/** Logs renewals after they are made, and releases before. */
function watchClaims({ claims }: Adapter): void {
  if (claims === undefined) throw new Error("the adapter has no claims");
  const renew = claims.renew.bind(claims);
  const release = claims.release.bind(claims);
  claims.renew = async (holding, ...rest) => {
    const until = await renew(holding, ...rest);
    if (until !== undefined) tell(holding, "renewed", until);
    return until;
  };
  claims.release = (holding, ...rest) => {
    tell(holding, "ending");
    return release(holding, ...rest);
  };
}
