import { Random } from "../../src/testing/random.js";
import { ingredients, kinds, type Recipe } from "./batch-recipes.js";
import type { Figure } from "./cost.js";
import type { Tried } from "./worst.js";

/** Number of the worst batches that are changed. */
const STARTS = 2;

/**
 * Searches for the batch that costs most: tries some at random, and changes the worst of them one part at a time, as long as
 * that makes them worse. All figures share the batches that were tried.
 */
export class BatchSearch {
  readonly #tried = new Map<string, Attempt>();
  readonly #draws: number;
  readonly #attempt: (recipe: Recipe) => Promise<Tried>;

  constructor(draws: number, attempt: (recipe: Recipe) => Promise<Tried>) {
    this.#draws = draws;
    this.#attempt = attempt;
  }

  /** All batches that were tried so far. */
  get tried(): readonly Tried[] {
    return [...this.#tried.values()].map(({ tried }) => tried);
  }

  async findWorst(figure: Figure): Promise<void> {
    const random = new Random(1);
    for (let i = 0; i < this.#draws; i++) await this.try(draw(random));
    const costOf = ({ tried }: Attempt) => tried.cost[figure];
    const starts = [...this.#tried.values()].toSorted((a, b) => costOf(b) - costOf(a)).slice(0, STARTS);
    for (const start of starts)
      for (let worst = start, before = -1; before < costOf(worst); ) {
        before = costOf(worst);
        for (const recipe of neighbours(worst.recipe)) {
          const attempt = await this.try(recipe);
          if (costOf(attempt) > costOf(worst)) worst = attempt;
        }
      }
  }

  /** Tries one batch. */
  async try(recipe: Recipe): Promise<Attempt> {
    const key = JSON.stringify(recipe);
    const attempt = this.#tried.get(key) ?? { recipe, tried: await this.#attempt(recipe) };
    this.#tried.set(key, attempt);
    return attempt;
  }
}

interface Attempt {
  readonly recipe: Recipe;
  readonly tried: Tried;
}

function draw(random: Random): Recipe {
  const pick = (kind: keyof Recipe) => random.pick(Object.keys(ingredients[kind]));
  return Object.fromEntries(kinds.map((kind) => [kind, pick(kind)])) as unknown as Recipe;
}

function* neighbours(recipe: Recipe): Generator<Recipe, void> {
  for (const kind of kinds) for (const name of Object.keys(ingredients[kind])) yield { ...recipe, [kind]: name };
}
