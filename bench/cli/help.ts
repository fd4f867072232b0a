import type { Context } from "../benchmark.js";
import { interleave } from "../harness.js";
import { type Row, toRow, valueUnder } from "../row.js";
import { buildCommand } from "./command.js";

/** What the help costs: most commands are given by people who wait for them. */
export async function* run({ rounds }: Context): AsyncGenerator<Row, void> {
  const command = await buildCommand();
  const { cpu } = await interleave(rounds, { cpu: async () => (await command(["--help"])).cpuSeconds });
  yield toRow({ name: "`taskledger --help`: processor", unit: "s", values: cpu, goal: valueUnder(0.25, "s") });
}
