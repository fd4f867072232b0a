import { setTimeout as sleep } from "node:timers/promises";
import { type Fault, faultNamed, faults, type Scene } from "./faults.js";

/**
 * Does what a plan says, one fault after the other or several at once; `inflict` keeps the record of each. Broken builds
 * that run beside may be stopped where the plan has done enough for them.
 */
export type Plan = (
  inflict: (fault: Fault) => Promise<void>,
  scene: Scene,
  endTrials: () => Promise<void>,
) => Promise<void>;

/** Each fault once. Those of clients and of the network come while nodes are down or slow, where that is worse. */
export const everyFault: Plan = async (inflict, { cluster }, endTrials) => {
  const once = (...names: string[]) => inSequence(inflict, names);
  await once("one node is killed");
  await cluster.settled();
  await Promise.all([once("one node is slow"), once("answers are lost")]);
  await endTrials();
  await cluster.settled();
  await Promise.all([
    once("one node is stopped for 20 s"),
    once("a client is stopped for longer than the margin", "a client is stopped for less than half the margin"),
  ]);
  await cluster.settled();
  await Promise.all([
    once("one node is cut off from the others"),
    once("a client's clock is off by less than the limit", "a client's clock is off by far more than the limit"),
  ]);
  await cluster.settled();
  await Promise.all([once("one node is restarted"), once("a client is killed", "a coordinator hangs")]);
  await cluster.settled();
  await once("one node sends and does not receive", "one node receives and does not send");
  await cluster.settled();
  await Promise.all([once("the network is slow"), once("connections break")]);
  await once("all nodes are cut off from each other");
  await cluster.settled();
  await once("one node is stopped while another is killed");
  await cluster.settled();
  await once("all nodes are killed at once");
  await cluster.settled();
};

/** The few that say most in a minute. */
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

/** Faults drawn from the dice: one of nodes, one of the network and one of clients at a time. */
export function randomFaults(minutes: number, among: readonly Fault[] = faults): Plan {
  return async (inflict, { cluster, dice }) => {
    const end = performance.now() + minutes * 60_000;
    const draw = async (hits: Fault["hits"], longestPause: number) => {
      const some = among.filter((fault) => fault.hits === hits);
      while (some.length > 0 && performance.now() < end) {
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
