import { DriverActor } from "../../test/languages/driver.js";
import type { Language } from "../../test/languages/languages.js";
import { prepareLanguages } from "../../test/languages/prepare.js";
import { type Context, scaled } from "../benchmark.js";
import { failedRow, type Row, toRow } from "../row.js";
import { batchInputs, binaryInputs, frameInputs, hashInputs, type LanguageInput } from "./language-inputs.js";
import { everyKind, type Lengths, usualClasses, wideLengths } from "./types.js";
import { figures, named } from "./worst.js";

/** What reading costs: time in milliseconds, memory in bytes; or both by the bytes of input, as in the rows. */
interface Cost {
  readonly time: number;
  readonly memory: number;
}

/** A decoder, and the inputs among which its worst are searched. */
interface Search {
  readonly decoder: "batch" | "binary" | "frames" | "hash";
  readonly name: string;
  readonly inputs: readonly LanguageInput[];
  readonly lengths: Lengths;
  /** Whether protobuf alone reads the worst as well, as a baseline. */
  readonly hasBaseline?: boolean;
  readonly hasGoals?: boolean;
}

interface Tried {
  readonly input: LanguageInput;
  readonly cost: Cost;
}

interface Measured {
  readonly search: Search;
  readonly driver: DriverActor;
}

/** Shorter inputs are read several times, to get a measurable time. */
const BYTES_TO_TIME = 200_000;
const FINALISTS = 3;
const MEGABYTE = 1_000_000;

/** In Go a megabyte of the worst takes a minute. */
const lengths: Lengths = { tried: 100_000, measured: [200_000] };

/** The maximum time and memory per byte that was found for input of each decoder in each of the other languages. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const searches = searchesOf(context);
  for (const { language, missing } of await prepareLanguages())
    if (missing === undefined) yield* measureAll(withMemory(language), searches, context);
    else yield failedRow(`${language.name}: decoding`, "ms/kB", missing);
}

function searchesOf(context: Context): Search[] {
  const wide = `of messages of ${everyKind.schema.fields.length} fields, against protobuf alone`;
  const usual = { lengths, hasBaseline: true };
  const alone = { lengths: wideLengths, hasBaseline: true, hasGoals: false };
  const some = (inputs: Iterable<LanguageInput>) =>
    named([...inputs], context).filter((_, i) => i % context.divisor === 0);
  return [
    { decoder: "batch", name: "a batch", inputs: some(batchInputs()), lengths },
    { decoder: "frames", name: "frames", inputs: some(frameInputs()), lengths },
    { decoder: "binary", name: "binary", inputs: some(binaryInputs(usualClasses)), ...usual },
    { decoder: "binary", name: `binary ${wide}`, inputs: some(binaryInputs([everyKind])), ...alone },
    { decoder: "hash", name: "a hash", inputs: some(hashInputs(usualClasses)), ...usual },
    { decoder: "hash", name: `a hash ${wide}`, inputs: some(hashInputs([everyKind])), ...alone },
  ];
}

/** The tests give Java little memory; what some input takes is to be measured, not refused. */
function withMemory(language: Language): Language {
  const { driver } = language;
  return { ...language, driver: { ...driver, args: driver.args.filter((arg) => !arg.startsWith("-Xmx")) } };
}

async function* measureAll(
  language: Language,
  searches: readonly Search[],
  context: Context,
): AsyncGenerator<Row, void> {
  const driver = new DriverActor(language, undefined);
  try {
    for (const search of searches.filter(({ inputs }) => inputs.length > 0))
      yield* measure(language, { search, driver }, context);
  } finally {
    await driver.close();
  }
}

async function* measure(language: Language, measured: Measured, context: Context): AsyncGenerator<Row, void> {
  const { inputs, lengths, name, hasBaseline, hasGoals = true } = measured.search;
  const tried: Tried[] = [];
  const tryLength = scaled(context, lengths.tried);
  const length = scaled(context, lengths.measured[0] as number);
  await costOf((inputs[0] as LanguageInput).make(tryLength), measured); // what is done once is not counted
  for (const input of inputs) tried.push({ input, cost: await costOf(input.make(tryLength), measured) });
  for (const [figure, label] of Object.entries(labelsOf(language)) as [keyof Cost, string][]) {
    const { unit, goal } = figure === "time" ? figures.time : figures.held;
    const input = await worstOf(tried, figure, (finalist) => costOf(finalist.make(length), measured));
    const bytes = input.make(length);
    const values: number[] = [];
    const baselines: number[] = [];
    for (let round = 0; round < context.rounds; round++) {
      values.push((await costOf(bytes, measured))[figure]);
      if (hasBaseline) baselines.push((await costOf(bytes, measured, { alone: true }))[figure]);
    }
    yield toRow({
      name: `${language.name}, ${name}: ${label}`,
      unit,
      values,
      note: `the worst of ${tried.length} tried: ${input.name}`,
      ...(hasBaseline && { baselines }),
      ...(hasGoals && { goal }),
    });
  }
}

/** The worst few are measured again: a process may be slow for a moment, and another input the worst at full length. */
async function worstOf(
  tried: readonly Tried[],
  figure: keyof Cost,
  measureAgain: (input: LanguageInput) => Promise<Cost>,
): Promise<LanguageInput> {
  const finalists: Tried[] = [];
  for (const { input } of tried.toSorted((a, b) => b.cost[figure] - a.cost[figure]).slice(0, FINALISTS))
    finalists.push({ input, cost: await measureAgain(input) });
  return finalists.reduce((worst, each) => (each.cost[figure] > worst.cost[figure] ? each : worst)).input;
}

async function costOf(bytes: Uint8Array, { search, driver }: Measured, { alone = false } = {}): Promise<Cost> {
  const { length } = bytes;
  const repeats = Math.ceil(BYTES_TO_TIME / length);
  const input = Buffer.from(bytes).toString("base64");
  const { time, memory } = await driver.ask<Cost>({ op: "cost", decoder: search.decoder, input, repeats, alone });
  return { time: (time * 1000) / length, memory: Math.max(0, memory - MEGABYTE) / length };
}

/** Messages of Python's cannot share headers, and so a caller should not keep them all. */
function labelsOf({ name }: Language): Readonly<Record<keyof Cost, string>> {
  const memory =
    name === "Python" ? "the most memory at any time, its tasks not kept" : "memory allocated, its tasks kept";
  return { time: figures.time.label, memory: `${memory}, beyond 1 MB` };
}
