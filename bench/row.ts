import { median, rangeOf } from "./statistics.js";

/** One figure of a run: compared with a baseline, with a goal, or alone. */
export interface Row {
  readonly name: string;
  /** Null if it could not be measured; `note` is then the reason. */
  readonly value: number | null;
  readonly unit: string;
  readonly baseline: number | null;
  /** The median of the rounds' own ratios, so that a disturbance of a whole round affects both of its sides. */
  readonly ratio: number | null;
  readonly goal: string | null;
  readonly met: boolean | null;
  /** The minimum and the maximum of the rounds. */
  readonly range: Range | null;
  readonly ratioRange: Range | null;
  readonly note: string | null;
}

export type Range = readonly [least: number, most: number];

/** The goal for a value, or for its ratio to the baseline. */
export interface Goal {
  readonly text: string;
  isMet(value: number, ratio: number | undefined): boolean;
}

export function ratioAtLeast(least: number): Goal {
  return { text: `at least ${least}x`, isMet: (_, ratio) => ratio !== undefined && ratio >= least };
}

export function ratioAtMost(most: number): Goal {
  return { text: `at most ${most}x`, isMet: (_, ratio) => ratio !== undefined && ratio <= most };
}

export function valueUnder(most: number, unit: string): Goal {
  return { text: `under ${most} ${unit}`, isMet: (value) => value < most };
}

export function valueAtMost(most: number, unit: string): Goal {
  return { text: `at most ${most} ${unit}`, isMet: (value) => value <= most };
}

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  /** One value per round. */
  readonly values: readonly number[];
  /** The baseline's values of the same rounds. */
  readonly baselines?: readonly number[];
  readonly goal?: Goal;
  readonly note?: string;
}

export function toRow({ name, unit, values, baselines, goal, note }: Measurement): Row {
  const value = median(values);
  const ratios = baselines?.map((baseline, round) => (values[round] as number) / baseline);
  const ratio = ratios && median(ratios);
  return {
    name,
    value,
    unit,
    baseline: baselines ? median(baselines) : null,
    ratio: ratio ?? null,
    goal: goal?.text ?? null,
    met: goal ? goal.isMet(value, ratio) : null,
    range: rangeOf(values),
    ratioRange: ratios ? rangeOf(ratios) : null,
    note: note ?? null,
  };
}

/** A row for what could not be measured. */
export function failedRow(name: string, unit: string, note: string): Row {
  const nothing = { value: null, baseline: null, ratio: null, goal: null, met: null, range: null, ratioRange: null };
  return { name, unit, ...nothing, note };
}
