import type { Client } from "./client.js";
import type { Operation, OperationKind } from "./operations.js";
import { mix, pick } from "./random.js";
import { TOO_LARGE_ID } from "./session.js";
import { MILLISECOND, SECOND, type World } from "./world.js";

const kinds: readonly (readonly [OperationKind, number])[] = [
  ["save", 5],
  ["blind", 4],
  ["bulk", 1],
  ["both", 1],
  ["find", 4],
  ["complete", 6],
  ["list", 6],
  ["drain", 1],
  ["requeue", 0.7],
  ["sweep", 4],
  ["receive", 2],
  ["close", 0.3],
];

/** The operations of a host whose clock is far ahead: without those that remove or sweep, which that clock would judge. */
const wildKinds: readonly OperationKind[] = ["save", "blind", "find", "complete"];

/** The operations of all clients, and their times: in bursts, some at the same time. */
export function drawOperations(world: World, clients: readonly Client[], span: number): Operation[] {
  const roll = (what: number) => world.roll(77, what);
  const tasks = ["x", "y", "z", "u", "v"].slice(0, pick([1, 2, 3, 5], roll(1)));
  if (roll(2) < 0.15) tasks.push(TOO_LARGE_ID);
  const bursts = pick([4, 8, 16], roll(3));
  const each = pick([6, 12, 20], roll(4));
  const weights = kinds.map(([kind, weight], i) => [kind, weight * pick([0.3, 1, 1, 3], roll(20 + i))] as const);
  return clients.flatMap((client) =>
    Array.from({ length: each }, (_, i): Operation => {
      const id = (client.index + 1) * 1000 + i + 1;
      const key = mix(id, 4711);
      const draw = (what: number) => world.roll(key, what);
      const allowed = client.isWild ? weights.filter(([kind]) => wildKinds.includes(kind)) : weights;
      const start = (span / bursts) * Math.floor(draw(1) * bursts) + startInBurst(draw(2), draw(3));
      const [task, kind] = [pick(tasks, draw(4)), pickWeighted(allowed, draw(5))];
      return { id, key, kind, task, tasks, client, clients, start };
    }),
  );
}

function startInBurst(way: number, roll: number): number {
  if (way < 0.3) return 0;
  return way < 0.6 ? 20 * MILLISECOND * roll : 3 * SECOND * roll;
}

function pickWeighted<T>(weights: readonly (readonly [T, number])[], roll: number): T {
  let left = roll * weights.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of weights) {
    left -= weight;
    if (left < 0) return value;
  }
  return (weights.at(-1) as readonly [T, number])[0];
}
