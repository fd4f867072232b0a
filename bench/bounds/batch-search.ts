import { Random } from "../../src/testing/random.js";
import { cook, ingredients, kinds, type Recipe } from "./batch-recipes.js";

export interface Candidate {
  readonly recipe: Recipe;
  readonly cost: number;
}

/** How many of the worst are changed. */
const STARTS = 2;

/**
 * Looks for the batch that costs most: tries some at random, and changes the worst of them one part at a time, for as long
 * as that makes them worse.
 */
export async function findWorst(
  draws: number,
  costOf: (bytes: Uint8Array) => Promise<number>,
): Promise<{ readonly worst: Candidate; readonly tried: number }> {
  const random = new Random(1);
  const tried = new Map<string, Candidate>();
  const attempt = async (recipe: Recipe) => {
    const key = JSON.stringify(recipe);
    const candidate = tried.get(key) ?? { recipe, cost: await costOf(cook(recipe)) };
    tried.set(key, candidate);
    return candidate;
  };
  for (let i = 0; i < draws; i++) await attempt(draw(random));
  const starts = [...tried.values()].toSorted((a, b) => b.cost - a.cost).slice(0, STARTS);
  for (const start of starts)
    for (let worst = start, before = -1; before < worst.cost; ) {
      before = worst.cost;
      for (const recipe of neighbours(worst.recipe)) worst = worstOf([worst, await attempt(recipe)]);
    }
  return { worst: worstOf([...tried.values()]), tried: tried.size };
}

function draw(random: Random): Recipe {
  const pick = (kind: keyof Recipe) => random.pick(Object.keys(ingredients[kind]));
  return Object.fromEntries(kinds.map((kind) => [kind, pick(kind)])) as unknown as Recipe;
}

function* neighbours(recipe: Recipe): Generator<Recipe, void> {
  for (const kind of kinds) for (const name of Object.keys(ingredients[kind])) yield { ...recipe, [kind]: name };
}

function worstOf(candidates: readonly Candidate[]): Candidate {
  return candidates.reduce((worst, each) => (each.cost > worst.cost ? each : worst));
}
