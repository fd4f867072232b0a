import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTasks, idOf, storedBytes } from "../tasks.js";
import { openSides } from "./clients.js";
import { coordinatesIn } from "./context.js";

const COUNT = 100_000;

/** The concurrency of the driver: its default, and a larger number. */
const LEVELS = [100, 512] as const;

/** Both at their default concurrency; each round has its own list, and the tasks are built before it starts. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "save_all");
  const count = scaled(context, COUNT);
  const saveTasks = async (round: number) => {
    const built = [...buildTasks(`tasks-${round}`, count)];
    return count / (await secondsOf(() => sides.tasks.saveAll(built)));
  };
  const saveRaw = async (level: number, round: number) => {
    const list = `raw-${level}-${round}`;
    const stored = await storedBytes(list, count);
    const parameters = stored.map((bytes, index) => [list, idOf(index), bytes]);
    return count / (await secondsOf(() => sides.raw.saveAll(parameters, level)));
  };
  const [low, high] = LEVELS;
  const { tasks, rawLow, rawHigh } = await interleave(context.rounds, {
    tasks: saveTasks,
    rawLow: (round) => saveRaw(low, round),
    rawHigh: (round) => saveRaw(high, round),
  });
  const common = { unit: "tasks/s", values: tasks, goal: ratioAtLeast(1.5) };
  const name = `saveAll of ${count.toLocaleString("en")}, against executeConcurrent`;
  yield toRow({ ...common, name: `${name} at its default of ${low}`, baselines: rawLow });
  yield toRow({ ...common, name: `${name} at ${high}`, baselines: rawHigh });
}
