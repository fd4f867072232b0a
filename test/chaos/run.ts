// Real faults on a real cluster, while several processes use it; then all reads are compared with what was acknowledged.
//   npm run chaos -- --minutes 30        faults drawn from a seed, which is printed; --seed draws the same again
//   npm run chaos -- --ci                each broken build, which must be detected, and each fault once
//   npm run chaos -- --smoke             one fault
//   npm run chaos -- --only "a client is killed,one node is slow"
//   npm run chaos -- --broken ack-early  a broken build, under the faults with which it shows: must fail
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CommitlogSync } from "../support/cassandra/node.js";
import { breakages } from "./broken.js";
import { ChaosCluster } from "./cluster.js";
import { Director } from "./director.js";
import { everyFault, type Plan, randomFaults, someFaults, tellingFaults, theseFaults } from "./plan.js";
import { Dice } from "./random.js";
import { printReport, reportOf } from "./report.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    ci: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
    only: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    broken: { type: "string" },
    commitlog: { type: "string", default: "batch" },
    hints: { type: "string", default: "on" },
    report: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

/** A run of at least this many minutes also reads everything without each of the nodes. */
const LONG = 10;

const began = performance.now();
const say = (text: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

process.exitCode = await main();

async function main(): Promise<number> {
  const { seed, broken, commitlog, hints } = values;
  if (broken !== undefined && !(broken in breakages))
    throw new Error(`--broken is one of ${Object.keys(breakages).join(", ")}`);
  const directory = await mkdtemp(join(tmpdir(), "taskledger-chaos-log-"));
  say(`seed ${seed}, logs in ${directory}`);
  const options = { commitlogSync: commitlog as CommitlogSync, hints: hints === "on" };
  const cluster = await ChaosCluster.start(options);
  say(`three nodes run; commitlog_sync ${commitlog}, hints ${hints}`);
  const director = new Director(cluster, directory, new Dice(Number(seed)), say);
  try {
    await director.play(choosePlan(), {
      broken,
      trials: values.ci ? Object.keys(breakages) : [],
      withoutEach: values.smoke ? "none" : !values.ci && Number(values.minutes) >= LONG ? "every" : "one",
    });
  } finally {
    await director.dismiss();
    await cluster.stop();
  }
  const report = await reportOf(director, Number(seed), (performance.now() - began) / 1000);
  console.log(`\n${printReport(report)}\n`);
  if (values.report) await writeFile(values.report, JSON.stringify(report, null, 2));
  if (!report.passed || values.keep) console.log(`The logs are kept in ${directory}`);
  else await rm(directory, { recursive: true });
  say(report.passed ? "passed" : "FAILED");
  return report.passed ? 0 : 1;
}

function choosePlan(): Plan {
  if (values.only !== undefined) return theseFaults(values.only.split(","));
  if (values.ci) return everyFault;
  if (values.smoke) return someFaults;
  const minutes = Number(values.minutes);
  return values.broken === undefined ? randomFaults(minutes) : tellingFaults(minutes);
}
