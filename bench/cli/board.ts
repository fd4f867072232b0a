import { createBoard } from "taskledger/board";
import { type Context, scaled } from "../benchmark.js";
import { interleave, secondsOf } from "../harness.js";
import { type Row, toRow, valueUnder } from "../row.js";
import { buildTasks, idOf } from "../tasks.js";
import { openSqlite } from "./stores.js";

const OPEN = 100_000;
const LIST = "open";

/** What a page of the board takes, from the request to the last byte of the answer. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using store = await openSqlite();
  const open = scaled(context, OPEN);
  const all = [...buildTasks(LIST, open)];
  await store.tasks.saveAll(all);
  const board = createBoard({ tasks: store.tasks });
  const middle = all[open >> 1]?.envelope.savedAt;
  const pages = {
    "the lists": "/",
    "the list's first page": `/list?list=${LIST}`,
    "a page in the middle of the list": `/list?list=${LIST}&after=${middle}`,
    "a task": `/task?list=${LIST}&id=${idOf(open >> 1)}`,
  };
  const timed = (path: string) => async () =>
    1000 * (await secondsOf(() => read(board.fetch(new Request(`http://localhost${path}`)))));
  const contenders = Object.fromEntries(Object.entries(pages).map(([name, path]) => [name, timed(path)]));
  const figures = await interleave(context.rounds, contenders);
  for (const [name, values] of Object.entries(figures))
    yield toRow({
      name: `board on SQLite, ${open.toLocaleString("en")} open tasks: ${name}`,
      unit: "ms",
      values,
      goal: valueUnder(100, "ms"),
    });
  board.close();
}

async function read(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  await response.text();
  if (!response.ok) throw new Error(`the board answered ${response.status}`);
}
