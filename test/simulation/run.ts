// npm run simulate -- [--seed N] [--seconds T] [--mutant NAME] [--shrink]

import { parseArgs } from "node:util";
import { type History, type HistoryOptions, runHistory } from "./history.js";
import { hunt } from "./hunt.js";
import { mutants } from "./mutants.js";
import { shrink } from "./shrink.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seconds: { type: "string", default: "10" },
    mutant: { type: "string" },
    shrink: { type: "boolean", default: false },
    rule: { type: "string" },
    all: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const options = optionsOf(values.mutant);

if (values.shrink) await printShortest();
else await search();

async function search(): Promise<void> {
  const { histories, seconds, found, totals } = await hunt(seed, Number(values.seconds), {
    ...options,
    stopAtFirst: !values.all,
  });
  console.log(
    `seeds ${seed} to ${seed + histories - 1}: ${histories} histories, ${Math.round(histories / seconds)} a second`,
  );
  console.log(totals);
  for (const { rule, text, seed: at, times } of found)
    console.log(`VIOLATED ${rule}, ${times} times, first by seed ${at}: ${text}`);
  if (found.length === 0) console.log("no promise is broken");
  else process.exitCode = 1;
}

async function printShortest(): Promise<void> {
  const { violations }: History = await runHistory(seed, options);
  const rule = values.rule ?? violations[0]?.rule;
  if (rule === undefined) throw new Error(`seed ${seed} breaks nothing`);
  const short = await shrink(seed, options, rule);
  const lines: string[] = [];
  await runHistory(seed, { ...options, ...short, log: (line) => lines.push(line) });
  const last = lines.findIndex((line) => line.includes(`*** ${rule}`));
  console.log(lines.slice(0, last + 1).join("\n"));
}

function optionsOf(name: string | undefined): HistoryOptions {
  if (name === undefined) return {};
  const mutant = mutants.find((one) => one.name === name);
  if (mutant) return mutant.options;
  throw new Error(`there is no mutant ${name}; there are: ${mutants.map((one) => one.name).join("; ")}`);
}
