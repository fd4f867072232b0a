import { type Context, scaled } from "../benchmark.js";
import { interleave, perSecond } from "../harness.js";
import { type Row, toRow, valueUnder } from "../row.js";
import { buildTask, type FetchFileTask, idOf } from "../tasks.js";
import { buildCommand, type Command } from "./command.js";
import { type CommandStore, stores } from "./stores.js";

const LISTS = 1_000;
const TASKS_A_LIST = 10;
const DAY = 86_400_000;

/** What `lists` takes, from the start of its process to its end: connecting is a part of it. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const command = await buildCommand();
  const lists = scaled(context, LISTS);
  const what = `over ${lists.toLocaleString("en")} lists of ${TASKS_A_LIST} tasks, one of them claimed`;
  for (const [name, { open, goal }] of Object.entries(stores)) {
    await using store = await open(context);
    await fill(store, lists);
    const { counted, named } = await interleave(context.rounds, {
      counted: () => secondsFor(command, store, lists, "lists"),
      named: () => secondsFor(command, store, lists, "lists", "--no-count"),
    });
    const rows = { "`taskledger lists`": counted, "`taskledger lists --no-count`": named };
    for (const [what_, values] of Object.entries(rows))
      yield toRow({ name: `${name}: ${what_} ${what}`, unit: "s", values, goal: valueUnder(goal, "s") });
  }
}

async function fill({ tasks }: CommandStore, lists: number): Promise<void> {
  await perSecond(lists, 32, async (i) => {
    const taskList = `list${i}.example.com`;
    const [first, ...others] = Array.from({ length: TASKS_A_LIST }, (_, j) => buildTask(taskList, idOf(j)));
    await tasks.saveAll([first as FetchFileTask, ...others]);
    await tasks.claim(first as FetchFileTask, { lease: DAY });
  });
}

async function secondsFor(
  command: Command,
  { url }: CommandStore,
  lists: number,
  ...args: readonly string[]
): Promise<number> {
  const { out, seconds } = await command([...args, "--no-headers"], { TASKLEDGER_STORE: url });
  const count = out.trimEnd().split("\n").length;
  if (count !== lists) throw new Error(`${count} of ${lists} lists were printed`);
  return seconds;
}
