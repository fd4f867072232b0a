import { type Adapter, DataInterface, type Task, type TaskClass } from "taskledger";
import { CopyFileTask, TranscodeVideoTask } from "../../gen/example/v1/sizes_task.js";
import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, toRow } from "../row.js";
import { taskOf } from "./formats.js";
import { makePayload } from "./payloads.js";

/** The classes as they are generated with the option `codec=off`. */
class CopyFileWithout extends CopyFileTask {
  static override readonly codec = undefined as never;
}
class TranscodeVideoWithout extends TranscodeVideoTask {
  static override readonly codec = undefined as never;
}

const CONCURRENCY = 64;
const DIFFERENT = 64;

/** The CPU time of this process for saving and finding, with and without codecs, on an open store. */
export async function* measureClientCpu(
  store: string,
  adapter: Adapter,
  count: number,
  context: Context,
): AsyncGenerator<Row, void> {
  for (const size of ["tiny", "medium"] as const) {
    const [fast, slow] =
      size === "tiny" ? [CopyFileTask, CopyFileWithout] : [TranscodeVideoTask, TranscodeVideoWithout];
    const payloads = Array.from({ length: DIFFERENT }, (_, n) => makePayload(size, n));
    const side = (taskClass: TaskClass<Task>) => {
      const tasks = new DataInterface({ types: [taskClass], adapter });
      return { tasks, values: payloads.map((payload) => taskOf(size, payload, taskClass)) };
    };
    const sides = { fast: side(fast), slow: side(slow) };
    const times = scaled(context, count);
    const save =
      ({ tasks, values }: typeof sides.fast) =>
      () =>
        cpuOf(times, async (index) => void (await tasks.save(values[index % DIFFERENT] as Task)));
    const find =
      ({ tasks, values }: typeof sides.fast) =>
      () =>
        cpuOf(times, async (index) => {
          const { taskList, id } = values[index % DIFFERENT] as Task;
          if ((await tasks.find(taskList, id)) === undefined) throw new Error("a task that is open was not found");
        });
    for (const [verb, work] of [
      ["save", save],
      ["find", find],
    ] as const) {
      const { fast: values, slow: baselines } = await interleave(context.rounds, {
        fast: work(sides.fast),
        slow: work(sides.slow),
      });
      const name = `${verb} a ${size} task on ${store}: the client's CPU, with codecs against without`;
      yield toRow({ name, unit: "us", values, baselines });
    }
  }
}

/** Microseconds of CPU time per task, of all threads of this process. */
async function cpuOf(count: number, work: (index: number) => Promise<void>): Promise<number> {
  const start = process.cpuUsage();
  await perSecond(count, CONCURRENCY, work);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / count;
}
