// The process that runs one job; see job.ts.
import { inspect } from "node:util";
import type { Job, Message } from "./job.js";
import { suites } from "./suites.js";

process.once("message", async ({ suite, name, params }: Job) => {
  try {
    const { benchmarks, probes } = suites[suite] ?? { benchmarks: {} };
    const load = benchmarks[name] ?? probes?.[name];
    if (load === undefined) throw new Error("there is no such job");
    const { run } = await load();
    for await (const result of run(params as never)) await send({ result });
  } catch (error) {
    await send({ failed: inspect(error) });
  }
  process.disconnect();
});

function send(message: Message): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}
