import { hostileBatches } from "../../test/batch/hostile-batches.js";
import { DriverActor } from "../../test/languages/driver.js";
import type { Language } from "../../test/languages/languages.js";
import { prepareLanguages } from "../../test/languages/prepare.js";
import type { Context } from "../benchmark.js";
import { failedRow, type Row, toRow } from "../row.js";
import { cook, describeRecipe, ingredients, type Recipe } from "./batch-recipes.js";
import { figures } from "./worst.js";

/** What a batch costs: time in milliseconds, memory in bytes; or both by its bytes, as in the rows. */
interface Cost {
  readonly time: number;
  readonly memory: number;
}

/** Batches are made when they are measured: all of them at once would fill the memory. */
interface Batch {
  readonly name: string;
  readonly make: () => Uint8Array;
}

/** Shorter batches are read several times, to get a measurable time. */
const BYTES_TO_TIME = 200_000;
const MEGABYTE = 1_000_000;

/** The maximum time and memory per byte that was found for a batch in each of the other languages. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const all = [...hostile(), ...recipes()];
  const batches = all.filter((_, i) => i % context.divisor === 0);
  for (const { language, missing } of await prepareLanguages())
    if (missing === undefined) yield* measure(language, batches, context);
    else yield failedRow(`${language.name}: decoding a batch`, "ms/kB", missing);
}

async function* measure(language: Language, batches: readonly Batch[], { rounds }: Context): AsyncGenerator<Row, void> {
  const driver = new DriverActor(language, undefined);
  try {
    const ask = async ({ make }: Batch) => costOf(make(), driver);
    const tried: { batch: Batch; cost: Cost }[] = [];
    await ask(batches[0] as Batch); // what is done once is not counted
    for (const batch of batches) tried.push({ batch, cost: await ask(batch) });
    for (const [figure, label] of Object.entries(labelsOf(language)) as [keyof Cost, string][]) {
      const { unit, goal } = figure === "time" ? figures.time : figures.held;
      const { batch } = tried.reduce((worst, each) => (each.cost[figure] > worst.cost[figure] ? each : worst));
      const values: number[] = [];
      for (let round = 0; round < rounds; round++) values.push((await ask(batch))[figure]);
      const note = `the worst of ${tried.length} tried: ${batch.name}`;
      yield toRow({ name: `${language.name}, a batch: ${label}`, unit, values, goal, note });
    }
  } finally {
    await driver.close();
  }
}

async function costOf(batch: Uint8Array, driver: DriverActor): Promise<Cost> {
  const { length } = batch;
  const repeats = Math.ceil(BYTES_TO_TIME / length);
  const command = { op: "cost", batch: Buffer.from(batch).toString("base64"), repeats };
  const { time, memory } = await driver.ask<Cost>(command);
  return { time: (time * 1000) / length, memory: Math.max(0, memory - MEGABYTE) / length };
}

/** Messages of Python's cannot share headers, and so a caller should not keep them all. */
function labelsOf({ name }: Language): Readonly<Record<keyof Cost, string>> {
  const memory =
    name === "Python" ? "the most memory at any time, its tasks not kept" : "memory allocated, its tasks kept";
  return { time: figures.time.label, memory: `${memory}, beyond 1 MB` };
}

function* hostile(): Generator<Batch, void> {
  for (const [name, bytes] of Object.entries(hostileBatches)) yield { name, make: () => bytes };
}

/** Tasks that have as few bytes as may be of their own. */
function* recipes(): Generator<Batch, void> {
  for (const tasks of ["10,000 tasks", "one task"] as const)
    for (const groups of namesOf("groups"))
      for (const shared of namesOf("shared"))
        for (const times of ["no times", "times"] as const)
          for (const rest of namesOf("rest")) {
            const recipe: Recipe = { tasks, groups, shared, ids: "short ids", data: "no data", times, rest };
            yield { name: describeRecipe(recipe), make: () => cook(recipe) };
          }
}

function namesOf<K extends keyof typeof ingredients>(kind: K): readonly Recipe[K][] {
  return Object.keys(ingredients[kind]) as Recipe[K][];
}
