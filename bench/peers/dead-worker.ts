import type { Context } from "../benchmark.js";
import { failedRow, type Row, toRow } from "../row.js";
import { LEDGER_WITH_CLAIMS, Peers } from "./open.js";

/** The same time for all; their defaults are longer, and differ. */
const LEASE = 5_000;
const EVERY = 5_000;

const defaults: Readonly<Record<string, string>> = {
  [LEDGER_WITH_CLAIMS]: "by default 60 s and the pause that `recover` is given",
  BullMQ: "by default 30 to 60 s",
  "pg-boss": "by default 15 to 17 minutes",
};

/** The time until a task whose worker has died is given to another. */
export async function* run({ rounds }: Context): AsyncGenerator<Row, void> {
  await using peers = await Peers.open();
  const found = new Map<string, number[]>(Object.keys(defaults).map((name) => [name, []]));
  const lose = async (name: string, figures: number[]) => {
    const milliseconds = await peers.all.get(name)?.loseWorker(LEASE, EVERY);
    if (milliseconds !== undefined) figures.push(milliseconds / 1000);
  };
  // All at once, since they wait most of the time.
  for (let round = 0; round < rounds; round++)
    await Promise.all([...found].map(([name, figures]) => lose(name, figures)));
  const what = `a dead worker's task is unseen (lease ${LEASE / 1000} s, looking each ${EVERY / 1000} s)`;
  for (const [name, values] of found) {
    const missing = peers.missing.get(name);
    if (missing !== undefined) yield failedRow(`${what}: ${name}`, "s", `left out: ${missing}`);
    else yield toRow({ name: `${what}: ${name}`, unit: "s", values, note: defaults[name] as string });
  }
}
