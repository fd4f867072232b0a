// npm run fuzz -- [--seconds N] [--seed N] [--messages N] [--inputs N]
// Compares codecs with protobuf-es, until the time is up or until all has been tried; without a limit, the numbers are
// 200,000 messages and 500,000 inputs. The seed is printed: with it, a run can be repeated.
import { inspect, parseArgs } from "node:util";
import { fuzz } from "./campaign.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    seed: { type: "string" },
    messages: { type: "string" },
    inputs: { type: "string" },
  },
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
const isTimed = values.seconds !== undefined;
const count = (given: string | undefined, otherwise: number) => Number(given ?? (isTimed ? Infinity : otherwise));

console.log(`seed ${seed}`);
try {
  const report = await fuzz({
    seed,
    seconds: Number(values.seconds ?? Infinity),
    messages: count(values.messages, 200_000),
    inputs: count(values.inputs, 500_000),
    say: console.log,
  });
  console.log(inspect(report, { depth: 5, breakLength: 120 }));
} catch (error) {
  console.error(inspect(error, { depth: 20 }));
  process.exitCode = 1;
}
