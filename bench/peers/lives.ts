import { type Context, scaled } from "../benchmark.js";
import { type Contender, interleave, secondsOf } from "../harness.js";
import { failedRow, type Goal, type Row, ratioAtLeast, toRow } from "../row.js";
import { LEDGER, LEDGER_WITH_CLAIMS, Peers } from "./open.js";
import type { Peer } from "./peer.js";

interface Load {
  readonly name: string;
  /** Number of tasks per round of the ledger, and of the others, which are slower. */
  readonly counts: readonly [ledger: number, others: number];
  readonly goal?: Goal;
  /** Claims are granted one by one, so that there are none in bulk. */
  readonly isOneByOne: boolean;
  run(peer: Peer, count: number): Promise<void>;
}

function concurrent(concurrency: number, counts: Load["counts"], goal: Goal): Load {
  const run = (peer: Peer, count: number) => peer.live(count, concurrency);
  return { name: `${concurrency} concurrent`, counts, goal, isOneByOne: true, run };
}

const loads: readonly Load[] = [
  concurrent(1, [400, 200], ratioAtLeast(2)),
  concurrent(16, [6_000, 1_500], ratioAtLeast(5)),
  concurrent(256, [20_000, 3_000], ratioAtLeast(5)),
  { name: "in bulk", counts: [50_000, 10_000], isOneByOne: false, run: (peer, count) => peer.bulk(count) },
];

/** The life of a task: it is added, then completed. In all of them, each step is on the disk when it is acknowledged. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using peers = await Peers.open();
  for (const load of loads) {
    const contenders = [...peers.all]
      .filter(([name]) => load.isOneByOne || name !== LEDGER_WITH_CLAIMS)
      .map(([name, peer]): [string, Contender] => [name, contend(context, load, peer)]);
    yield* toRows(load, peers, await interleave(context.rounds, Object.fromEntries(contenders)));
  }
}

function contend(context: Context, load: Load, peer: Peer): Contender {
  const count = scaled(context, load.counts["tasks" in peer ? 0 : 1]);
  return async () => {
    await peer.clear();
    return count / (await secondsOf(() => load.run(peer, count)));
  };
}

function* toRows({ name, goal }: Load, { all, missing }: Peers, rates: Record<string, number[]>): Generator<Row, void> {
  const ratesOfOthers = Object.entries(rates).filter(([peer]) => !peer.startsWith(LEDGER));
  for (const [peer, { acknowledges }] of all) {
    const values = rates[peer];
    if (values === undefined) continue;
    const best = peer === LEDGER && ratesOfOthers.length > 0 ? bestOf(ratesOfOthers) : undefined;
    const note = best ? `${acknowledges}; baseline: the best of the others` : acknowledges;
    const compared = best && { baselines: best, ...(goal && { goal }) };
    yield toRow({ name: `${name}: ${peer}`, unit: "tasks/s", values, note, ...compared });
  }
  for (const [peer, reason] of missing) yield failedRow(`${name}: ${peer}`, "tasks/s", `left out: ${reason}`);
}

/** The maximum of each round. */
function bestOf(rates: readonly (readonly [string, readonly number[]])[]): number[] {
  const [[, first]] = rates as [[string, readonly number[]]];
  return first.map((_, round) => Math.max(...rates.map(([, values]) => values[round] as number)));
}
