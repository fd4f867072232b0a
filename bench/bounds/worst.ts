import type { Context } from "../benchmark.js";
import { type Goal, type Row, toRow, valueAtMost } from "../row.js";
import { type Cost, costOf, type Figure, type Input } from "./cost.js";

/** An input that was tried. It is made again for each measurement: all of them at once would fill the memory. */
export interface Tried {
  readonly make: () => Input;
  readonly cost: Cost;
}

interface FigureKind {
  readonly label: string;
  readonly unit: string;
  readonly goal: Goal;
}

/** The figures that are measured for every decoder. */
export const figures: Readonly<Record<Figure, FigureKind>> = {
  time: { label: "time", unit: "ms/kB", goal: valueAtMost(1, "ms/kB") },
  held: { label: "memory held by the result, beyond 1 MB", unit: "B/B", goal: valueAtMost(128, "B/B") },
  allocated: { label: "memory allocated on the way, beyond 1 MB", unit: "B/B", goal: valueAtMost(128, "B/B") },
};

export const figureNames = Object.keys(figures) as readonly Figure[];

/** The shapes that `--shape` asks for; all by default. */
export function named<Shape extends { readonly name: string }>(
  shapes: readonly Shape[],
  { shape = "" }: Context,
): Shape[] {
  return shapes.filter(({ name }) => name.includes(shape));
}

/** Tries an input; `make` makes the one that is measured if it is the worst, which may be a longer one of the same shape. */
export async function tryInput(input: Input, make: () => Input): Promise<Tried> {
  return { make, cost: await costOf(input) };
}

export function worstOf(tried: readonly Tried[], figure: Figure): Tried {
  return tried.reduce((worst, each) => (each.cost[figure] > worst.cost[figure] ? each : worst));
}

export interface Comparison {
  /** Whether the rows have goals. @defaultValue true */
  readonly hasGoals?: boolean;
  /** Reads the same input by other means, as a baseline. */
  readonly baselineOf?: (input: Input) => Input;
}

/** Number of the worst inputs by each figure that are measured at full length: another one may be the worst there. */
const FINALISTS = 2;

/** A row for each figure: the worst input that was tried, measured again in each round. */
export async function* worstRows(
  name: string,
  tried: readonly Tried[],
  { rounds }: Context,
  { hasGoals = true, baselineOf }: Comparison = {},
): AsyncGenerator<Row, void> {
  if (tried.length === 0) return;
  const finalists: Tried[] = [];
  for (const { make } of finalistsOf(tried)) finalists.push({ make, cost: await costOf(make()) });
  for (const figure of figureNames) {
    const input = worstOf(finalists, figure).make();
    const baseline = baselineOf?.(input);
    const values: number[] = [];
    const baselines: number[] = [];
    for (let round = 0; round < rounds; round++) {
      values.push((await costOf(input))[figure]);
      if (baseline) baselines.push((await costOf(baseline))[figure]);
    }
    const { label, unit, goal } = figures[figure];
    yield toRow({
      name: `${name}: ${label}`,
      unit,
      values,
      note: `the worst of ${tried.length} tried: ${input.name}`,
      ...(baseline && { baselines }),
      ...(hasGoals && { goal }),
    });
  }
}

function finalistsOf(tried: readonly Tried[]): Set<Tried> {
  const worstBy = (figure: Figure) => tried.toSorted((a, b) => b.cost[figure] - a.cost[figure]).slice(0, FINALISTS);
  return new Set(figureNames.flatMap(worstBy));
}
