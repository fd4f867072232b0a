import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { recordsOf } from "./output-schema.js";
import { run, runBinary } from "./process.js";
import { newList, type TestStore } from "./stores.js";

const ESC = "\u001b";

/** Names that a terminal would obey, or show as others. */
const awkward = [
  `${ESC}[2J${ESC}]0;title\u0007`,
  "\u009b31mC1\u0085",
  "\u202egnp.exe\u2066",
  "two\nlines\r\ttab\u007f\u2028",
  `../a"<b>'$(id)`,
  "--help",
  "😀 漢字 é",
];

/** 512 bytes, the most that a key may have, none of them ASCII. */
const longest = (prefix: string) => {
  const rest = 512 - Buffer.byteLength(prefix);
  return prefix + "é".repeat(rest >> 1) + "x".repeat(rest % 2);
};

// What no output for people may have: C0 but for the end of a line, DEL, C1, bidi controls, separators.
const unprintable = /(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

/** Every command with names that are hard to print and to pass on, on a store. */
export function describeNaming(store: () => TestStore): void {
  const taskledger = (...args: string[]) => run(args, { env: store().env });
  const save = (taskList: string, id: string) => store().tasks.create(FetchFileTask, { taskList, id, filename: id });

  describe("names with control characters, bidi marks and 512 bytes", () => {
    test("are printed as escapes, and are in the JSON as they are", async () => {
      const lists = [...awkward.map((name) => newList(name)), longest(newList())];
      for (const list of lists) await save(list, longest("id"));
      const table = await taskledger("lists");
      expect(table).toMatchObject({ code: 0, err: "" });
      expect(table.out).not.toMatch(unprintable);
      const named = recordsOf("list", await taskledger("lists", "-o", "jsonl")).map(({ taskList }) => taskList);
      expect(named).toEqual(expect.arrayContaining(lists));
    });

    test("are found, shown, released, completed, exported and imported", { timeout: 120_000 }, async () => {
      const list = newList(awkward[2]);
      const ids = [...awkward, longest("id")];
      for (const id of ids) await save(list, id);
      const table = await taskledger("ls", list);
      expect(table).toMatchObject({ code: 0, err: "" });
      expect(table.out).not.toMatch(unprintable);
      expect(table.out.trimEnd().split("\n")).toHaveLength(ids.length + 1);
      expect(table.out).toContain("\\u001b[2J\\u001b]0;title\\u0007 ");
      const records = await taskledger("ls", list, "-o", "jsonl");
      expect(records.out).not.toMatch(unprintable);
      expect(recordsOf("task", records).map(({ id }) => id)).toEqual(ids);
      const { out: exported } = await runBinary(["export", "--", list], { env: store().env });
      for (const id of ids) {
        await store().tasks.claim((await store().tasks.find(list, id)) as FetchFileTask, { owner: `${ESC}[31m` });
        const shown = await taskledger("show", "--", list, id);
        expect(shown).toMatchObject({ code: 0, err: "" });
        expect(shown.out).not.toMatch(unprintable);
        expect((await taskledger("release", "--yes", "--", list, id)).out).not.toMatch(unprintable);
        expect((await taskledger("complete", "--latest", "--yes", "--", list, id)).out).not.toMatch(unprintable);
        const gone = await taskledger("show", "--", list, id);
        expect(gone.code).toBe(4);
        expect(gone.err).not.toMatch(unprintable);
      }
      expect((await run(["import"], { env: store().env, input: exported })).code).toBe(0);
      expect(recordsOf("task", await taskledger("ls", list, "-o", "jsonl")).map(({ id }) => id)).toEqual(ids);
    });

    test("of 513 bytes are refused, by the field's name and the limit", async () => {
      const { code, err } = await taskledger("show", `${longest("l")}x`, "a");
      expect(code).toBe(2);
      expect(err).toMatch(/^error\[INVALID_KEY\]: .*512/);
    });
  });
}
