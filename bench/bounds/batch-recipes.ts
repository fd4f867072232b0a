import {
  envelope,
  field,
  header,
  headers,
  join,
  known,
  numbers,
  repeat,
  text,
  times,
  unknown,
} from "../../test/batch/hostile-batches.js";

const none = new Uint8Array();

type Column = (count: number) => Uint8Array;

const restOf =
  (part: (index: number) => Uint8Array): Column =>
  (count) =>
    times(count, (i) => field(7, part(i)));
const constantly =
  (part: Uint8Array): Column =>
  (count) =>
    repeat(count, part);

/** The choices that a batch can be made of: one part of each kind. */
export const ingredients = {
  tasks: { "10,000 tasks": 10_000, "1,000 tasks": 1_000, "10 tasks": 10, "one task": 1 },
  groups: {
    "one group": () => 1,
    "groups of ten": (tasks: number) => Math.ceil(tasks / 10),
    "a group each": (tasks: number) => tasks,
  },
  shared: {
    "a known type": known(),
    "an unknown type": envelope("a"),
    "a long list and type": join(text(1, "l".repeat(500)), field(3, text(1, `/${"t".repeat(450)}`))),
    "shared headers": known(headers(110)),
    "a shared header 1000": known(header("1000")),
    "shared unknown fields": known(unknown(450)),
    "a shared attempt and time": known(Uint8Array.of(0x30, 1), field(4, none)),
  },
  ids: {
    "short ids": constantly(text(2, "a")),
    "ids of other scripts": constantly(text(2, "任")),
    "ids of 500 bytes": constantly(text(2, "a".repeat(500))),
    UUIDs: (count: number) => field(3, new Uint8Array(16 * count)),
  },
  data: {
    "no data": constantly(field(4, none)),
    "an empty field": constantly(field(4, Uint8Array.of(0x0a, 0))),
    "an unknown field as data": constantly(field(4, unknown(1))),
    "data that does not decode": constantly(field(4, Uint8Array.of(0x0a, 9))),
  },
  times: {
    "no times": constantly(none),
    times: (count: number) => join(field(5, new Uint8Array(count).fill(2)), field(6, new Uint8Array(count).fill(2))),
    "distant times": (count: number) =>
      field(
        6,
        numbers(count, (writer, i) => writer.sint64(i === 0 ? 10n ** 16n : 1n)),
      ),
    "times that are not packed": constantly(Uint8Array.of(0x28, 2, 0x30, 2)),
  },
  rest: {
    "no rest": constantly(none),
    "an empty rest": restOf(() => none),
    "an attempt": restOf(() => Uint8Array.of(0x30, 1)),
    "a header": restOf(() => header("a")),
    "a header of its own": restOf((i) => header(`${i}x`)),
    "a header 1000": restOf(() => header("1000")),
    "ten headers": restOf(() => headers(10)),
    "an unknown field": restOf(() => unknown(1)),
    "ten unknown fields": restOf(() => unknown(10)),
    "a list and a time": restOf(() => join(text(1, "l"), field(4, none))),
    "a rest that is no envelope": restOf(() => Uint8Array.of(0x0a, 9)),
  },
} as const;

type Ingredients = typeof ingredients;

export const kinds = Object.keys(ingredients) as (keyof Ingredients)[];

/** The names of the parts. */
export type Recipe = { readonly [K in keyof Ingredients]: keyof Ingredients[K] };

export function cook(recipe: Recipe): Uint8Array {
  const tasks = ingredients.tasks[recipe.tasks];
  const groups = ingredients.groups[recipe.groups](tasks);
  const count = tasks / groups;
  const group = field(
    16,
    join(
      field(1, ingredients.shared[recipe.shared]),
      ingredients.ids[recipe.ids](count),
      ingredients.data[recipe.data](count),
      ingredients.times[recipe.times](count),
      ingredients.rest[recipe.rest](count),
    ),
  );
  const order = numbers(tasks, (writer, i) => writer.uint32(i % groups));
  return join(repeat(groups, group), groups > 1 ? field(17, order) : none);
}

export function describeRecipe(recipe: Recipe): string {
  return kinds.map((kind) => recipe[kind]).join(", ");
}

/** The recipe with this description; of the parts that it does not name, the first. */
export function recipeOf(description: string): Recipe {
  const parts = `, ${description}, `;
  const find = (names: string[]) => names.find((name) => parts.includes(`, ${name}, `)) ?? names[0];
  return Object.fromEntries(kinds.map((kind) => [kind, find(Object.keys(ingredients[kind]))])) as unknown as Recipe;
}
