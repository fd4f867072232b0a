import { binPath } from "../../test/plugin/tools.js";
import { type WideKind, wideKinds, wideProto } from "../../test/plugin/wide.js";
import type { Context } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { runProgram } from "../package.js";
import { type Row, ratioAtMost, toRow } from "../row.js";
import { generateInto, pluginsOf, preparePackage, writeProject } from "./programs.js";
import { largeSchema, type Protos } from "./sources.js";

/** The time that TypeScript takes for all generated code, compared with the `_pb.ts` of protoc-gen-es alone. */
export async function* run({ rounds, divisor }: Context): AsyncGenerator<Row, void> {
  const dist = await preparePackage();
  const plugins = pluginsOf(dist);
  for (const [index, [name, protos]] of Object.entries(schemas(divisor)).entries()) {
    const root = await generateInto(`schema-${index}`, protos, plugins);
    const all = await writeProject(root, "all.json", "gen", dist);
    const pb = await writeProject(root, "pb.json", "gen/**/*_pb.ts", dist);
    const timed = (project: string) => () => secondsOf(() => runProgram([binPath("tsc"), "-p", project]));
    const { ours, theirs } = await interleave(rounds, { theirs: timed(pb), ours: timed(all) });
    const goal = ratioAtMost(2);
    yield toRow({
      name: `compile: ${name}, against its _pb.ts alone`,
      unit: "s",
      values: ours,
      baselines: theirs,
      goal,
    });
  }
}

function schemas(divisor: number): Record<string, Protos> {
  const kinds = wideKinds.filter((kind) => kind !== "oneof");
  const fields = Math.ceil(2000 / divisor);
  const choices = Math.ceil(1000 / divisor);
  return {
    [`messages of ${fields.toLocaleString("en")} fields of each of ${kinds.length} kinds`]: wide(kinds, fields),
    [`a oneof of ${choices.toLocaleString("en")}`]: wide(["oneof"], choices),
    "messages of 250 fields of each kind, which have codecs": wide(wideKinds, 250),
    "a large schema of 60 files and 800 messages": largeSchema(),
  };
}

function wide(kinds: readonly WideKind[], width: number): Protos {
  return Object.fromEntries(kinds.map((kind) => [`${kind}.proto`, wideProto(kind, width)]));
}
