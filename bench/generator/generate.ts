import type { Context } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { runProgram } from "../package.js";
import { type Row, ratioAtMost, toRow } from "../row.js";
import { type PluginProgram, pluginsOf, preparePackage, requestOf } from "./programs.js";
import { largeSchema, manyMessages } from "./sources.js";

/** The time that the plugin takes, from its start to its end, compared with protoc-gen-es. */
export async function* run({ rounds, divisor }: Context): AsyncGenerator<Row, void> {
  const plugins = pluginsOf(await preparePackage());
  const count = Math.ceil(2000 / divisor);
  const schemas = {
    [`generate: a file of ${count.toLocaleString("en")} messages, ${Math.floor(count / 20)} of them task types`]:
      manyMessages(count),
    "generate: a large schema of 60 files, 800 messages and more within them, 60 task types": largeSchema(),
  };
  for (const [name, protos] of Object.entries(schemas)) {
    const timed = async (plugin: PluginProgram) => {
      const request = await requestOf(protos, plugin);
      return () => secondsOf(() => runProgram([plugin.program], request));
    };
    const contenders = { theirs: await timed(plugins.es), ours: await timed(plugins.taskledger) };
    const { ours, theirs } = await interleave(rounds, contenders);
    yield toRow({
      name: `${name}, against protoc-gen-es`,
      unit: "s",
      values: ours,
      baselines: theirs,
      goal: ratioAtMost(1.5),
    });
  }
}
