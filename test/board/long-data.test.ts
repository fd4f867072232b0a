import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { DataInterface } from "taskledger";
import { type Board, createBoard } from "taskledger/board";
import { MemoryAdapter } from "taskledger/memory";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EveryKindSchema } from "../../gen/example/v1/every_kind_pb.js";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";

let tasks: DataInterface<typeof EveryKindTask>;
let board: Board;
beforeEach(() => {
  tasks = new DataInterface({ types: [EveryKindTask], adapter: new MemoryAdapter() });
  board = createBoard({ tasks });
});
afterEach(() => board.close());

const get = (path: string) => board.fetch(new Request(`http://localhost${path}`));

/** Data whose JSON takes long to make: a message for every three bytes. */
const manyMessages = (count: number) => ({ children: Array.from({ length: count }, () => create(EveryKindSchema)) });

describe("data that is too long for a page", () => {
  test("is left out of lists, and of a task until it is asked for", async () => {
    await tasks.create(EveryKindTask, { taskList: "l", id: "long", ...manyMessages(50_000) });
    await tasks.create(EveryKindTask, { taskList: "l", id: "short", text: "seen" });
    const { tasks: listed } = (await (await get("/api/list?list=l")).json()) as { tasks: unknown[] };
    expect(listed).toEqual([
      expect.objectContaining({
        ...{ id: "long", state: "readable", isLeftOut: true, bytes: 150_000 },
        data: { "@type": "type.googleapis.com/example.v1.EveryKind" },
      }),
      expect.objectContaining({ id: "short", data: expect.objectContaining({ text: "seen" }) }),
    ]);
    expect(await (await get("/list?list=l")).text()).toContain("150000 B");
    const page = await (await get("/task?list=l&id=long")).text();
    expect(page).toContain("It is long: 146.5 KiB.");
    expect(page).not.toContain("children");
    const whole = (await (await get("/api/task?list=l&id=long&whole=1")).json()) as { task: { data: object } };
    expect(whole.task.data).toMatchObject({ children: expect.objectContaining({ length: 50_000 }) });
  });

  test("keeps nobody waiting, however many tasks have it", async () => {
    for (let i = 0; i < 8; i++) await tasks.create(EveryKindTask, { taskList: "l", ...manyMessages(20_000) });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await sleep(5);
    turns = 0;
    expect((await get("/list?list=l")).status).toBe(200);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});
