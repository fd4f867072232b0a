import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, ratioAtLeast, toRow } from "../row.js";
import { buildTasks, idOf, storedBytes } from "../tasks.js";
import { openSides, type Sides } from "./clients.js";
import { coordinatesIn } from "./context.js";

const LIST = "open";
const OPEN = 10_000;
const COUNT = 40_000;
const CONCURRENCY = 64;

/** Finds tasks of a list of 10,000 by their ids, in a mixed order. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "find");
  await fill(sides);
  const count = scaled(context, COUNT);
  const { tasks, raw } = await interleave(context.rounds, {
    tasks: () => perSecond(count, CONCURRENCY, (index) => expectFound(sides.tasks.find(LIST, idAt(index)))),
    raw: () => perSecond(count, CONCURRENCY, (index) => expectFound(sides.raw.find(LIST, idAt(index)))),
  });
  yield toRow({
    name: `find, ${CONCURRENCY} concurrent`,
    unit: "tasks/s",
    values: tasks,
    baselines: raw,
    goal: ratioAtLeast(0.9),
  });
}

async function fill({ tasks, raw }: Sides): Promise<void> {
  await tasks.saveAll(buildTasks(LIST, OPEN));
  const stored = await storedBytes(LIST, OPEN);
  await raw.saveAll(
    stored.map((bytes, index) => [LIST, idOf(index), bytes]),
    100,
  );
}

function idAt(index: number): string {
  return idOf((index * 7919) % OPEN);
}

async function expectFound(finding: Promise<unknown>): Promise<void> {
  if ((await finding) === undefined) throw new Error("a task that is open was not found");
}
