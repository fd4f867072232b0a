/**
 * Looks for histories in which the ledger on Cassandra breaks a promise.
 *
 *     npm run simulate                                   # ten seconds, from a random seed on
 *     npm run simulate -- --seed 1 --seconds 60          # the histories 1, 2, 3, … for a minute
 *     npm run simulate -- --seed 2428 --seconds 0        # just this one, again
 *     npm run simulate -- --seed 2428 --shrink           # what of it is needed, as a log
 *     npm run simulate -- --mutant "complete at the present time"
 *
 * A seed is a history: a few clients that save, find, list, complete and sweep by the adapter's own code, over a cluster
 * that is simulated behind its session (session.ts), in simulated time (world.ts). Replicas, messages, processes and
 * clocks fail (weather.ts, cluster.ts, client.ts, host.ts), and an oracle judges each answer, and what is left in the
 * end (oracle.ts). Each random choice depends on the seed and on what it is about, so that a history is the same
 * each time, and stays so when operations and faults are left out of it (shrink.ts). A mutant (mutants.ts) is the
 * adapter with one of its rules weakened: the oracle has to notice.
 */

import { parseArgs } from "node:util";
import { runHistory } from "./history.js";
import { describeHunt, hunt } from "./hunt.js";
import { findMutant, type Mutant, optionsOf } from "./mutants.js";
import { randomSeed } from "./random.js";
import { shrink } from "./shrink.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string", default: "10" },
    mutant: { type: "string" },
    shrink: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed ?? randomSeed());
const mutant = values.mutant === undefined ? undefined : findMutant(values.mutant);

if (values.shrink) await printShortest(mutant);
else await search(mutant);

async function search(mutant?: Mutant): Promise<void> {
  const found = await hunt(seed, {
    ...(mutant && optionsOf(mutant)),
    seconds: Number(values.seconds),
    stopAtFirst: !values.all,
  });
  console.log(describeHunt(found, mutant?.name));
  if (found.breaches.length > 0) process.exitCode = 1;
}

async function printShortest(mutant?: Mutant): Promise<void> {
  const options = mutant ? optionsOf(mutant) : {};
  const [first] = (await runHistory(seed, options)).violations;
  if (first === undefined) throw new Error(`seed ${seed} breaks no promise`);
  const short = await shrink(seed, options, first.breach);
  const lines: string[] = [];
  await runHistory(seed, { ...options, ...short, log: (line) => lines.push(line) });
  const last = lines.findIndex((line) => line.includes(`*** ${first.breach}`));
  console.log(lines.slice(0, last + 1).join("\n"));
}
