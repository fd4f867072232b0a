import type { Context } from "../benchmark.js";
import { runJob } from "../job.js";
import { type Measurement, type Row, toRow, valueAtMost } from "../row.js";
import { type ShapeCost, type ShapeParams, shapesFor, type TypeName, type Way } from "./json-probe.js";

/** Of a task of the largest size; what would be larger in bytes is tried with less. */
const LENGTHS = [1_000_000, 230_000];

const usual: readonly TypeName[] = [
  "SendMailTask",
  "FetchFileTask",
  "CopyFileTask",
  "TranscodeVideoTask",
  "IndexCatalogueTask",
];

/** The most that untrusted JSON costs, of all shapes that are tried. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  for (const way of ["fromHash", "build"] as const) {
    const costs = await costsOf(way, usual, context);
    yield toWorst(way, costs, "time", { goal: valueAtMost(1, "ms/kB") });
    yield toWorst(way, costs, "memory", { goal: valueAtMost(128, "B/B") });
  }
  // Three characters stand for a message that takes a kilobyte: what that costs is for protobuf-es to say.
  for (const [way, library] of [
    ["fromHash", "fromJson"],
    ["build", "create"],
  ] as const) {
    const costs = await costsOf(way, ["EveryKindTask"], context);
    for (const figure of ["time", "memory"] as const) {
      const { params } = worstOf(costs, figure);
      const baselines = [(await probe({ ...params, way: library }))[figure]];
      yield toWorst(`${way} of messages of 46 fields, against ${library} alone`, costs, figure, { baselines });
    }
  }
}

type Figure = "time" | "memory";

function worstOf(costs: readonly ShapeCost[], figure: Figure): ShapeCost {
  return costs.reduce((a, b) => (b[figure] > a[figure] ? b : a));
}

function toWorst(
  name: string,
  costs: readonly ShapeCost[],
  figure: Figure,
  more: Pick<Measurement, "goal" | "baselines">,
): Row {
  const worst = worstOf(costs, figure);
  const note = `${worst.name}${worst.code ? `: ${worst.code}` : ""}; the worst of ${costs.length} shapes`;
  const unit = figure === "time" ? "ms/kB" : "B/B";
  return toRow({ name: `${name}: ${figure}`, unit, values: [worst[figure]], note, ...more });
}

async function costsOf(way: Way, types: readonly TypeName[], { divisor }: Context): Promise<ShapeCost[]> {
  const costs: ShapeCost[] = [];
  for (const type of types)
    for (const index of shapesFor(way, type).keys())
      for (const length of LENGTHS) {
        const cost = await probe({ way, type, index, length: length / divisor });
        costs.push(cost);
        if (cost.code !== "TOO_LARGE") break;
      }
  return costs;
}

async function probe(params: ShapeParams): Promise<ShapeCost> {
  for await (const cost of runJob<ShapeCost>(process.argv[1] as string, { suite: "bounds", name: "json", params }))
    return cost;
  throw new Error("a shape was not measured");
}
