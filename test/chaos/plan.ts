import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, faultNamed, faults, type Scene } from "./faults.js";

/** Inflicts the faults of a plan, one after the other or several at once; `inflict` logs each. */
export type Plan = (inflict: (fault: Fault) => Promise<void>, scene: Scene) => Promise<void>;

/** Concurrent sequences of faults. Faults of clients and of the network are worse together with those of nodes. */
const STAGES: readonly (readonly (readonly string[])[])[] = [
  [["one node is killed"], ["a client is killed", "a client's clock is off by less than the limit"]],
  [["one node is slow"], ["answers are lost"]],
  [
    ["one node is stopped for 20 s"],
    ["a client is stopped for longer than the grace period", "a client is stopped for less than half the grace period"],
  ],
  [["one node is cut off from the others"], ["a client's clock is off by far more than the limit"]],
  [["one node is restarted"], ["a coordinator hangs"]],
  [["one node sends and does not receive", "one node receives and does not send"]],
  [["the network is slow"], ["connections break"]],
  [["all nodes are cut off from each other"]],
  [["one node is stopped while another is killed"]],
  [["two nodes are killed"]],
  [["all nodes are killed at once"]],
];

/** Each fault once. */
export const everyFault: Plan = async (inflict, { cluster }) => {
  for (const stage of STAGES) {
    await Promise.all(stage.map((names) => inSequence(inflict, names)));
    await cluster.settled();
  }
};

/** The few faults that show most in a minute. */
export const someFaults: Plan = async (inflict, { cluster }) => {
  await Promise.all([inflict(faultNamed("one node is killed")), inflict(faultNamed("a client is killed"))]);
  await cluster.settled();
};

/** These faults, one after the other. */
export function theseFaults(names: readonly string[]): Plan {
  const chosen = names.map(faultNamed);
  return async (inflict, { cluster }) => {
    for (const fault of chosen) {
      await inflict(fault);
      await cluster.settled();
    }
  };
}

/** The faults under which bugs show soon, repeated. */
export function tellingFaults(minutes: number): Plan {
  const sequences = [
    ["one node is slow"],
    ["a client is stopped for less than half the grace period", "a client's clock is off by less than the limit"],
  ];
  return async (inflict) => {
    const end = performance.now() + minutes * 60_000;
    const repeat = async (names: readonly string[]) => {
      while (performance.now() < end) await inSequence(inflict, names);
    };
    await Promise.all(sequences.map(repeat));
  };
}

/** Random faults: one of nodes, one of the network and one of clients at a time. */
export function randomFaults(minutes: number): Plan {
  return async (inflict, { cluster, dice }) => {
    const end = performance.now() + minutes * 60_000;
    const draw = async (hits: Fault["hits"], longestPause: number) => {
      const some = faults.filter((fault) => fault.hits === hits);
      while (performance.now() < end) {
        await sleep(dice.below(longestPause));
        await inflict(dice.pick(some));
      }
    };
    await Promise.all([draw("nodes", 20_000), draw("network", 30_000), draw("clients", 10_000)]);
    await cluster.settled();
  };
}

async function inSequence(inflict: (fault: Fault) => Promise<void>, names: readonly string[]): Promise<void> {
  for (const name of names) await inflict(faultNamed(name));
}
