import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond, secondsOf } from "../harness.js";
import { probeMemory } from "../memory.js";
import { type Row, toRow, valueUnder } from "../row.js";
import { buildTasks, idOf } from "../tasks.js";
import type { ListPlace } from "./memory.js";
import { openStore } from "./store.js";

const LIST = "open";
const OPEN = 1_000_000;
const FINDS = 50_000;

/** Reads a long list, and tasks of it one by one. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using store = await openStore();
  const { tasks, path } = store;
  const open = scaled(context, OPEN);
  await tasks.saveAll(buildTasks(LIST, open));
  const finds = scaled(context, FINDS);
  const { all, one, many } = await interleave(context.rounds, {
    all: async () => {
      const seconds = await secondsOf(async () => {
        for await (const _ of tasks.all(LIST));
      });
      return open / seconds;
    },
    one: () => perSecond(finds, 1, (i) => tasks.find(LIST, idOf((i * 7919) % open))),
    many: () => perSecond(finds, 64, (i) => tasks.find(LIST, idOf((i * 7919) % open))),
  });
  const name = `\`all\` over ${open.toLocaleString("en")} open`;
  yield toRow({ name, unit: "tasks/s", values: all });
  yield toRow({ name: "find, 1 concurrent", unit: "tasks/s", values: one });
  yield toRow({ name: "find, 64 concurrent", unit: "tasks/s", values: many });
  const place: ListPlace = { path, list: LIST };
  const { peak, kept } = await probeMemory("sqlite", "memory", place);
  const note = `the process's peak; ${kept.toFixed(1)} MB are in use at the end`;
  yield toRow({ name: `${name}: memory`, unit: "MB", values: [peak], goal: valueUnder(100, "MB"), note });
}
