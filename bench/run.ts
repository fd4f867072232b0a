// npm run bench -- [SUITE …] [--only NAME,…] [--rounds N] [--quick] [--json FILE] [--results FILE]
//   [--picture FILE] [--profile FOLDER] [--shape TEXT] [--commitlog-sync MODE] [--with-lmdb FOLDER]
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  type CassandraSupply,
  coordinatesOf,
  sayCoordinates,
  supplyCassandra,
} from "../test/support/cassandra/supply.js";
import type { Context, Suite } from "./benchmark.js";
import { bundleBenchmarks } from "./bundle.js";
import { runJob } from "./job.js";
import { describeMachine, sayLoad } from "./machine.js";
import { toPicture } from "./picture.js";
import { keepResults, sayRow, toMarkdown, writeJson } from "./report.js";
import type { Row } from "./row.js";
import { suites } from "./suites.js";

const USAGE = `npm run bench -- [SUITE …] [options]
  SUITE                   ${Object.keys(suites).join(", ")}; all by default
  --only NAME,…           these benchmarks of the suites
  --rounds N              rounds that count; 7 by default
  --quick                 a twentieth of everything, for a look while developing
  --json FILE             write every row there
  --results FILE          put the tables there, in place of the last ones (bench/RESULTS.md keeps them)
  --picture FILE          draw the suite's tasks a second there, as an SVG
  --profile FOLDER        write a CPU profile of each benchmark there
  --shape TEXT            of bounds, only inputs of this name, as a table has it, or a part of it
  --commitlog-sync MODE   of the Cassandra that is started: periodic (by default), batch, group
  --with-lmdb FOLDER      compare SQLite with LMDB, by the version of the package there (bench/sqlite/with-lmdb.ts says which)`;

/** A Cassandra for benchmarks: the optimizing compiler, and memory for millions of rows. */
const JVM_OPTIONS = ["-XX:TieredStopAtLevel=4", "-Xms4g"];
const HEAP = "4g";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    results: { type: "string" },
    picture: { type: "string" },
    profile: { type: "string" },
    shape: { type: "string" },
    "commitlog-sync": { type: "string", default: "periodic" },
    "with-lmdb": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(USAGE);
else await main();

async function main(): Promise<void> {
  const names = positionals.length > 0 ? positionals : Object.keys(suites);
  const unknown = names.find((name) => !(name in suites));
  if (unknown !== undefined) throw new Error(`there is no suite ${unknown}\n${USAGE}`);
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 7));
  const program = await bundleBenchmarks();
  const context: Context = {
    rounds,
    divisor: values.quick ? 20 : 1,
    withLmdb: values["with-lmdb"],
    shape: values.shape,
  };
  const rows: Row[] = [];
  for (const name of names) {
    rows.push(...(await runSuite(program, name, context)));
    if (values.json !== undefined) await writeJson(values.json, rows);
  }
}

async function runSuite(program: string, name: string, context: Context): Promise<Row[]> {
  const suite = suites[name] as Suite;
  const cassandra = suite.needs === "cassandra" ? await startCassandra() : undefined;
  try {
    const head = [...describeMachine(), ...(cassandra ? [sayCassandra(cassandra)] : []), sayRounds(context)];
    console.log(`\n${name}\n${head.map((line) => `  ${line}`).join("\n")}`);
    const rows: Row[] = [];
    const full = { ...context, cassandra: cassandra && coordinatesOf(cassandra) };
    if (suite.probes?.["warm-up"]) await warmUp(program, name, full);
    for (const benchmark of benchmarksOf(suite))
      for await (const row of runJob<Row>(program, { suite: name, name: benchmark, params: full }, execArgv())) {
        console.log(sayRow(row));
        rows.push(row);
      }
    console.log(`load at the end ${sayLoad()}`);
    if (values.results !== undefined) await keepResults(values.results, name, toResults(head, rows));
    if (values.picture !== undefined) await writeFile(values.picture, toPicture(suite.title ?? name, "tasks/s", rows));
    return rows;
  } finally {
    await cassandra?.stop();
  }
}

function execArgv(): string[] {
  return values.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", values.profile];
}

async function warmUp(program: string, suite: string, context: Context): Promise<void> {
  const rates: number[] = [];
  for await (const rate of runJob<number>(program, { suite, name: "warm-up", params: context })) rates.push(rate);
  const [first, last] = [rates.at(0), rates.at(-1)].map((rate) => Math.round(rate ?? 0));
  console.log(`warmed up: ${first} to ${last} saves a second`);
}

function benchmarksOf({ benchmarks }: Suite): string[] {
  const only = values.only?.split(",");
  return Object.keys(benchmarks).filter((name) => only === undefined || only.includes(name));
}

function startCassandra(): Promise<CassandraSupply> {
  const mode = values["commitlog-sync"];
  if (mode !== "periodic" && mode !== "batch" && mode !== "group")
    throw new Error(`--commitlog-sync ${mode}\n${USAGE}`);
  return supplyCassandra({ commitlogSync: mode, heap: HEAP, jvmOptions: JVM_OPTIONS });
}

function sayCassandra(cassandra: CassandraSupply): string {
  const own = cassandra.source === "jars";
  return sayCoordinates(cassandra) + (own ? `, heap ${HEAP}, commitlog_sync ${values["commitlog-sync"]}` : "");
}

function sayRounds({ rounds, divisor }: Context): string {
  return `medians of ${rounds} rounds, contenders in turn${divisor > 1 ? `, counts divided by ${divisor}` : ""}`;
}

function toResults(head: readonly string[], rows: readonly Row[]): string {
  return `${head.map((line) => `- ${line}`).join("\n")}\n\n${toMarkdown(rows)}`;
}
