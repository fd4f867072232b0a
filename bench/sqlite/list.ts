import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond, secondsOf } from "../harness.js";
import { probeMemory } from "../memory.js";
import { type Row, ratioAtLeast, toRow, valueUnder } from "../row.js";
import { idOf } from "../tasks.js";
import type { ListPlace } from "./memory.js";
import { openStore, type Store } from "./store.js";
import { againstLmdb, openWithLmdb } from "./with-lmdb.js";

const LIST = "open";
const OPEN = 1_000_000;
const FINDS = 50_000;

/** Reads a long list, and finds tasks of it one by one. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using store = await openStore();
  await using lmdb = await openWithLmdb(context);
  const { tasks, path } = store;
  const open = scaled(context, OPEN);
  for (const each of lmdb ? [store, lmdb] : [store]) await each.tasks.saveAll(each.buildTasks(LIST, open));
  const finds = scaled(context, FINDS);
  const listAllIn = async (side: Store) => {
    const seconds = await secondsOf(async () => {
      for await (const _ of side.tasks.all(LIST));
    });
    return open / seconds;
  };
  const { all, one, many, lmdbRates } = await interleave(context.rounds, {
    all: () => listAllIn(store),
    ...(lmdb && { lmdbRates: () => listAllIn(lmdb) }),
    one: () => perSecond(finds, 1, (i) => tasks.find(LIST, idOf((i * 7919) % open))),
    many: () => perSecond(finds, 64, (i) => tasks.find(LIST, idOf((i * 7919) % open))),
  });
  const name = `\`all\` over ${open.toLocaleString("en")} open`;
  yield toRow({ name, unit: "tasks/s", values: all });
  yield againstLmdb(name, all, lmdbRates, ratioAtLeast(0.9));
  yield toRow({ name: "find, 1 concurrent", unit: "tasks/s", values: one });
  yield toRow({ name: "find, 64 concurrent", unit: "tasks/s", values: many });
  const place: ListPlace = { path, list: LIST };
  const { peak, kept } = await probeMemory("sqlite", "memory", place);
  const note = `the process's peak; ${kept.toFixed(1)} MB are in use at the end`;
  yield toRow({ name: `${name}: memory`, unit: "MB", values: [peak], goal: valueUnder(100, "MB"), note });
}
