import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTask, buildTasks, idOf } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";

const SMALL = 1_000;
const LARGE = 1_000_000;
const CONCURRENCY = 256;
/** Saves per round. */
const COUNT = 20_000;

/** A list grows to a million tasks; then saves into it alternate with saves into lists of a thousand. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "growth");
  const large = scaled(context, LARGE);
  await sides.tasks.saveAll(buildTasks("large", large));
  const count = scaled(context, COUNT);
  const figures = await interleave(context.rounds, {
    large: (round) => save(sides, "large", large + round * count, count),
    small: async (round) => {
      await sides.tasks.saveAll(buildTasks(`small-${round}`, SMALL));
      return save(sides, `small-${round}`, SMALL, count);
    },
  });
  yield toRow({
    name: `saves, ${CONCURRENCY} concurrent, into a list of ${large.toLocaleString("en")} open`,
    unit: "tasks/s",
    values: figures.large,
    baselines: figures.small,
    goal: ratioAtLeast(0.8),
    note: `against a list of ${SMALL.toLocaleString("en")} open`,
  });
}

function save({ tasks }: Sides, list: string, from: number, count: number): Promise<number> {
  return perSecond(count, CONCURRENCY, (index) => tasks.save(buildTask(list, idOf(from + index))));
}
