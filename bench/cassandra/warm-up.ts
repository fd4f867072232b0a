import type { Context } from "../benchmark.js";
import { secondsOf } from "../harness.js";
import { buildTasks, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";
import { saveAndComplete, saveAndCompleteRaw } from "./save-complete.js";

const SECONDS = 90;
const COUNT = 5_000;

/** Works until Java has compiled Cassandra's code: earlier figures mean little. Yields the saves per second of each turn. */
export async function* run(context: Context): AsyncGenerator<number, void> {
  await using sides = await openSides(coordinatesIn(context), "warm_up");
  const end = performance.now() + (SECONDS * 1000) / context.divisor;
  for (let turn = 0; turn === 0 || performance.now() < end; turn++) yield await useEverything(sides, turn);
}

async function useEverything(sides: Sides, turn: number): Promise<number> {
  const { tasks, raw } = sides;
  const load = { concurrency: turn % 4 === 0 ? 1 : 256, count: turn % 4 === 0 ? 500 : COUNT };
  await saveAndComplete(sides, `tasks-${turn}`, load);
  await saveAndCompleteRaw(sides, `raw-${turn}`, load);
  const list = `open-${turn}`;
  const seconds = await secondsOf(() => tasks.saveAll(buildTasks(list, COUNT)));
  const stored = await storedBytes(list, COUNT);
  await raw.saveAll(
    stored.map((bytes, index) => [list, idOf(index), bytes]),
    100,
  );
  for await (const _ of tasks.all(list));
  for await (const _ of raw.all(list, 500));
  for (let index = 0; index < COUNT; index += 64) {
    const ids = Array.from({ length: 64 }, (_, offset) => idOf(index + offset));
    await Promise.all(ids.map((id) => tasks.find(list, id)));
    await Promise.all(ids.map((id) => raw.find(list, id)));
  }
  return COUNT / seconds;
}
