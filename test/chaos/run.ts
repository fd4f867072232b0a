// Real faults on a real cluster, while several processes use it; then everything that was read is held to what had been
// acknowledged.
//   npm run chaos -- --minutes 30        faults drawn from a seed, which is printed; --seed draws the same again
//   npm run chaos -- --ci                each fault once
//   npm run chaos -- --smoke             one fault
//   npm run chaos -- --only "a client is killed,one node is slow"
//   npm run chaos -- --broken ack-early  a build with a mistake in it, which must not get through
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { CassandraAdapter } from "taskledger/cassandra";
import type { CommitlogSync } from "../cassandra/node.js";
import { breakages } from "./broken.js";
import { Clients } from "./clients.js";
import { ChaosCluster } from "./cluster.js";
import type { Fault, Scene } from "./faults.js";
import { type History, toHistory } from "./history.js";
import { judge, type Violation } from "./judge.js";
import { type Event, LogWriter, now, readLogs } from "./log.js";
import { everyFault, type Plan, randomFaults, someFaults, theseFaults } from "./plan.js";
import { Dice } from "./random.js";
import { printSummaries, summarize } from "./summary.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    ci: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
    only: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    broken: { type: "string" },
    commitlog: { type: "string", default: "batch" },
    hints: { type: "string", default: "on" },
    writers: { type: "string", default: "4" },
    report: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

/** Small, so that sweeps happen all the time, and that a stopped process is stopped for longer than the margin. */
const LEDGER = {
  clockLimit: 400,
  margin: 8_000,
  deadline: 8_000,
  attemptTimeout: 1_500,
  clockInterval: 5_000,
  sweepEvery: 4,
  sweepInterval: 1_000,
};

/** Few, so that many calls meet in one partition. */
const SHARDS = 2;
const WORKLOAD = { lists: ["north", "south"], contested: 15, open: 50, actors: 12, pause: 200 };

const began = performance.now();
const say = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

process.exitCode = await main();

async function main(): Promise<number> {
  const seed = Number(values.seed);
  if (values.broken !== undefined && !(values.broken in breakages))
    throw new Error(`--broken is one of ${Object.keys(breakages).join(", ")}`);
  const directory = await mkdtemp(join(tmpdir(), "taskledger-chaos-log-"));
  say(`seed ${seed}, logs in ${directory}`);
  const problems = await play(directory, new Dice(seed));
  const history = toHistory(await readLogs(directory));
  const violations = judge(history);
  const summaries = summarize(history, violations);
  console.log(`\n${printSummaries(summaries)}\n`);
  printViolations(violations);
  for (const problem of problems) console.log(`problem: ${problem}`);
  const failed = violations.length > 0 || problems.length > 0;
  if (values.report) await writeFile(values.report, JSON.stringify({ seed, summaries, violations, problems }, null, 2));
  if (failed || values.keep) console.log(`The logs are kept in ${directory}`);
  else await rm(directory, { recursive: true });
  say(`${violations.length} violations, ${problems.length} problems`);
  return failed ? 1 : 0;
}

function choosePlan(): Plan {
  if (values.only !== undefined) return theseFaults(values.only.split(","));
  if (values.ci) return everyFault;
  if (values.smoke) return someFaults;
  return randomFaults(Number(values.minutes ?? 5));
}

/** Plays a plan; gives what went wrong with the play itself. */
async function play(directory: string, dice: Dice): Promise<string[]> {
  const problems: string[] = [];
  const log = new LogWriter(directory, "director");
  const note = (event: Event) => log.write(event);
  const commitlogSync = values.commitlog as CommitlogSync;
  const cluster = await ChaosCluster.start({ commitlogSync, hints: values.hints === "on" });
  say(`three nodes run, commitlog_sync ${commitlogSync}, hints ${values.hints}`);
  const clients = await gather(cluster, directory, dice, note);
  try {
    await clients.start();
    say("clients have connected");
    await sleep(5_000);
    const { margin, clockLimit } = LEDGER;
    const scene: Scene = { cluster, clients: [clients], dice, margin, clockLimit };
    const inflict = async (fault: Fault) => {
      say(fault.name);
      note({ at: now(), began: fault.name, details: "" });
      await fault.inflict(scene).catch((error) => problems.push(`${fault.name}: ${(error as Error).stack}`));
      note({ at: now(), ended: fault.name });
      say(`over: ${fault.name}`);
    };
    await choosePlan()(inflict, scene);
    await finish(cluster, clients, directory);
    problems.push(...clients.failed.map((name) => `client ${name} failed; ${join(directory, `${name}.err`)} says why`));
  } finally {
    await clients.killAll();
    await cluster.stop();
    log.close();
  }
  return problems;
}

async function gather(cluster: ChaosCluster, directory: string, dice: Dice, note: (event: Event) => void) {
  const keyspace = "chaos";
  const { contactPoints, port } = cluster;
  const localDataCenter = "datacenter1";
  const connection = { contactPoints: [...contactPoints], localDataCenter, keyspace, protocolOptions: { port } };
  const replication = { class: "NetworkTopologyStrategy", [localDataCenter]: 3 };
  await CassandraAdapter.createSchema({ ...connection, replication, shards: SHARDS });
  const { broken } = values;
  const writers = Number(values.writers);
  const options = { directory, prefix: "", connection, ledger: LEDGER, broken, workload: WORKLOAD, writers };
  return new Clients(options, dice, note);
}

/** Lets the clients end, and reads everything: with all nodes, and with one of them down. */
async function finish(cluster: ChaosCluster, clients: Clients, directory: string): Promise<void> {
  say("faults are over");
  cluster.heal();
  await cluster.revive();
  await cluster.settled();
  await clients.end();
  say("clients have ended; everything is read");
  const keys = keysOf(toHistory(await readLogs(directory)));
  await clients.audit(keys);
  for (const number of values.smoke ? [2] : cluster.numbers) {
    await cluster.endNode(number, "killed");
    say(`everything is read without node ${number + 1}`);
    await clients.audit(keys);
    if (values.smoke || values.ci) break;
    await cluster.revive();
    await cluster.settled();
  }
  say(`${keys.length} tasks have been looked for`);
}

function keysOf({ saves }: History): [string, string][] {
  return [...new Map(saves.map(({ list, id }) => [`${list}\0${id}`, [list, id] as [string, string]])).values()];
}

function printViolations(violations: readonly Violation[]): void {
  for (const { kind, list, id, details } of violations.slice(0, 20)) console.log(`${kind}: ${list} ${id}: ${details}`);
  if (violations.length > 20) console.log(`… and ${violations.length - 20} more`);
}
