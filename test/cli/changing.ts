import { perform } from "taskledger";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { recordsOf } from "./output-schema.js";
import { run, runShell } from "./process.js";
import { newList, saveDamaged, saveOpaque, type TestStore } from "./stores.js";

/** complete, release and doctor, on a store. */
export function describeChanging(store: () => TestStore): void {
  const taskledger = (...args: string[]) => run(args, { env: store().env });
  const save = (taskList: string, id: string) => store().tasks.create(FetchFileTask, { taskList, id });
  const isOpen = async (list: string, id: string) => (await store().tasks.find(list, id)) !== undefined;

  describe("complete", () => {
    test("takes off the version that was seen", async () => {
      const list = newList();
      const { envelope } = await save(list, "a");
      const version = String(envelope.savedAt);
      const done = await taskledger("complete", list, "a", "--version", version, "--yes", "-o", "jsonl");
      expect(done).toMatchObject({ code: 0, err: "" });
      expect(recordsOf("completion", done)).toEqual([{ taskList: list, id: "a", version, result: "completed" }]);
      expect(await isOpen(list, "a")).toBe(false);
      const again = await taskledger("complete", list, "a", "--version", version, "--yes");
      expect(again.code).toBe(4);
      expect(again.err).toContain("error[NOT_OPEN]");
    });

    test("exits with 5 where another version is open, which stays", async () => {
      const list = newList();
      const seen = String((await save(list, "a")).envelope.savedAt);
      const newer = await save(list, "a");
      const { code, err } = await taskledger("complete", list, "a", "--version", seen, "--yes");
      expect(code).toBe(5);
      expect(err).toContain(`error[NEWER_VERSION]: ${list}/a is open in version ${newer.envelope.savedAt}\n`);
      expect(await isOpen(list, "a")).toBe(true);
      expect(await taskledger("complete", list, "a", "--latest", "--yes")).toMatchObject({ code: 0 });
      expect(await isOpen(list, "a")).toBe(false);
    });

    test("wants a version and a yes where nobody can be asked, and tries without", async () => {
      const list = newList();
      await save(list, "a");
      for (const [options, code] of [
        [[], "USAGE"],
        [["--yes"], "USAGE"],
        [["--latest"], "NOT_CONFIRMED"],
      ] as const) {
        const refused = await taskledger("complete", list, "a", ...options);
        expect(refused).toMatchObject({ code: 2, out: "" });
        expect(refused.err).toContain(`error[${code}]`);
      }
      const tried = await taskledger("complete", list, "a", "--dry-run", "-o", "jsonl");
      expect(recordsOf("completion", tried)).toMatchObject([{ id: "a", result: "would be completed" }]);
      expect(await isOpen(list, "a")).toBe(true);
    });

    test("--stdin takes off what ls has printed, opaque and damaged ones, too", async () => {
      const list = newList();
      for (const id of ["a", "b", "c"]) await save(list, id);
      await saveOpaque(store(), list, "d");
      await saveDamaged(store(), list, "e");
      const line = `taskledger ls '${list}' -o jsonl | taskledger complete --stdin`;
      const { code, err } = await runShell(line, { env: store().env });
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("--stdin needs --yes") });
      const done = await runShell(`${line} --yes -o jsonl`, { env: store().env });
      expect(done).toMatchObject({ code: 0, err: "" });
      expect(recordsOf("completion", done).map(({ id }) => id)).toEqual(["a", "b", "c", "d", "e"]);
      expect((await taskledger("ls", list, "--json", "-q")).out).toBe("[]\n");
    });

    test("--stdin does what can be done, and tells what could not", async () => {
      const list = newList();
      const [a, b] = [await save(list, "a"), await save(list, "b")];
      await save(list, "b");
      const line = (id: string, version: bigint | undefined) =>
        JSON.stringify({ taskList: list, id, version: String(version) });
      const input = [line("a", a.envelope.savedAt), line("b", b.envelope.savedAt), line("gone", 5n), ""].join("\n");
      const args = ["complete", "--stdin", "--yes", "-o", "jsonl"];
      const done = await run(args, { env: store().env, input });
      expect(done.code).toBe(5);
      expect(recordsOf("completion", done).map(({ result }) => result)).toEqual([
        "completed",
        "another version is open",
        "not open",
      ]);
      expect(
        await run(args, { env: store().env, input: `${line("gone", 5n)}\n${line("gone too", 5n)}` }),
      ).toMatchObject({
        code: 4,
      });
      const broken = await run(args, { env: store().env, input: `\n${line("b", 5n)}\n{"id":"x"}\n` });
      expect(broken.code).toBe(2);
      expect(broken.err).toContain("error[INVALID_LINE]: line 3 of the input");
    });
  });

  describe("release", () => {
    test("ends a claim, so that another worker may have the task at once", async () => {
      const list = newList();
      const task = await save(list, "a");
      await store().tasks.claim(task, { owner: "worker-7", lease: 3_600_000 });
      expect(await taskledger("release", list, "a")).toMatchObject({ code: 2 });
      const released = await taskledger("release", list, "a", "--yes", "-o", "jsonl");
      expect(released).toMatchObject({ code: 0, err: "" });
      expect(recordsOf("release", released)).toEqual([
        { taskList: list, id: "a", owner: "worker-7", result: "released" },
      ]);
      expect(await store().tasks.claim(task, { owner: "another" })).toBeDefined();
    });

    test("leaves the task to be given up, and told of, if that was its last attempt", async () => {
      const list = newList();
      const task = await save(list, "a");
      await store().tasks.claim(task, { owner: "worker-7", lease: 3_600_000 });
      expect(await taskledger("release", list, "a", "--yes")).toMatchObject({ code: 0 });
      const given = await perform(store().tasks, task, () => undefined, { maxAttempts: 1 });
      expect(given).toMatchObject({ type: "exhausted", attempt: 2 });
    });

    test("exits with 4 where nobody has a claim, or the task is not open", async () => {
      const list = newList();
      await save(list, "a");
      const free = await taskledger("release", list, "a", "--yes");
      expect(free).toMatchObject({ code: 4 });
      expect(free.err).toContain(`error[NOT_CLAIMED]: nobody has a claim to ${list}/a\n  Any worker may claim it.\n`);
      await (await store().tasks.claim((await store().tasks.find(list, "a")) as FetchFileTask))?.release({
        retryIn: 60_000,
      });
      expect((await taskledger("release", list, "a", "--yes")).err).toContain("It waits to be tried again until 20");
      expect(await taskledger("release", list, "none", "--yes")).toMatchObject({ code: 4 });
    });
  });

  describe("revive", () => {
    const dead = () => `${newList()} dead`;
    const giveUp = async (deadLetterList: string, list: string, id: string) => {
      const handler = () => Promise.reject(new Error("no such host"));
      await perform(store().tasks, await save(list, id), handler, { maxAttempts: 1, deadLetterList });
      for await (const letter of store().tasks.all(deadLetterList))
        if (letter.envelope.headers["taskledger-dead-id"] === id) return letter.id;
      throw new Error(`${id} was not given up`);
    };

    test("takes all dead letters back, more than it reads at once, and tells of each", async () => {
      const [list, letters] = [newList(), dead()];
      const ids = Array.from({ length: 120 }, (_, i) => `${i}`);
      for (const id of ids) await giveUp(letters, list, id);
      expect(await taskledger("revive", letters)).toMatchObject({ code: 2, out: "" });
      const tried = await taskledger("revive", letters, "--dry-run", "-o", "jsonl");
      expect(new Set(recordsOf("revival", tried).map(({ result }) => result))).toEqual(new Set(["would be revived"]));
      expect(await isOpen(list, "0")).toBe(false);
      const revived = await taskledger("revive", letters, "--yes", "-o", "jsonl");
      expect(revived).toMatchObject({ code: 0, err: "" });
      const records = recordsOf("revival", revived);
      expect(records.map(({ origin }) => origin)).toEqual(ids.map((id) => ({ taskList: list, id })));
      expect(new Set(records.map(({ result }) => result))).toEqual(new Set(["revived"]));
      for (const id of ids) expect(await isOpen(list, id)).toBe(true);
      expect((await taskledger("revive", letters, "--yes")).err).toBe(`${letters} has no open tasks.\n`);
    });

    test("takes back those that are named, and says which of them are not open", async () => {
      const [list, letters] = [newList(), dead()];
      const [a] = [await giveUp(letters, list, "a"), await giveUp(letters, list, "b")];
      const { code, out, err } = await taskledger("revive", letters, a, "none", "--yes");
      expect(code).toBe(4);
      expect(out).toMatch(/^revived .*\nnot open .*\n$/);
      expect(err).toContain("error[NOT_OPEN]: 1 of 2 are not open");
      expect([await isOpen(list, "a"), await isOpen(list, "b")]).toEqual([true, false]);
    });

    test("leaves a dead letter whose task was saved again, and what is none", async () => {
      const [list, letters] = [newList(), dead()];
      const letter = await giveUp(letters, list, "a");
      await save(letters, "no letter");
      await save(list, "a");
      const { code, err } = await taskledger("revive", letters, "--yes");
      expect(code).toBe(5);
      expect(err).toContain(`the first is of ${list}/a\n  They stay.`);
      expect(await isOpen(letters, letter)).toBe(true);
      expect(await taskledger("revive", letters, "no letter", "--yes")).toMatchObject({
        code: 3,
        err: expect.stringContaining("error[NO_DEAD_LETTER]"),
      });
      expect(await isOpen(letters, "no letter")).toBe(true);
    });
  });

  test("doctor finds nothing wrong, writes a task and takes it off again", async () => {
    const { code, out, err } = await taskledger("doctor", "--write");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.split("\n")[0]).toMatch(/^CHECK +STATUS +FINDING$/);
    const records = recordsOf("finding", await taskledger("doctor", "--write", "-o", "jsonl"));
    expect(records.map(({ check }) => check)).toEqual(expect.arrayContaining(["connect", "clock", "lists", "write"]));
    expect((await taskledger("lists")).out).not.toContain("taskledger doctor");
  });
}
