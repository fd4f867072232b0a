import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { recordsOf } from "./output-schema.js";
import { run, runBinary, runShell, start } from "./process.js";
import { newList, saveDamaged, saveOpaque, type TestStore } from "./stores.js";

/** export and import, from a store to another one. */
export function describeMoving(store: () => TestStore, descriptors: string): void {
  const folder = temporaryFolder();
  const taskledger = (...args: string[]) => run(args, { env: store().env });
  const exported = (...args: string[]) => runBinary(["export", ...args], { env: store().env });

  async function seed(count: number, length = 0): Promise<string> {
    const list = newList();
    await store().tasks.saveAll(
      Array.from({ length: count }, (_, i) =>
        FetchFileTask.build({ taskList: list, id: `${i}`, filename: `${i}.txt`.padStart(length, "-") }),
      ),
    );
    return list;
  }

  async function idsOf(list: string): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id } of store().tasks.all(list)) ids.push(id);
    return ids;
  }

  async function empty(list: string): Promise<void> {
    await store().tasks.completeAll(store().tasks.all(list));
  }

  const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

  describe("export and import", () => {
    test("bring every task back, in order, byte for byte, at new versions", async () => {
      const list = await seed(1_200);
      await saveOpaque(store(), list, "opaque");
      const before = new Map<string, Uint8Array>();
      for await (const page of store().tasks.adapter.all(list, { pageSize: 500, maxPageBytes: 1e6 }))
        for (const { id, body } of page) before.set(id, body);
      const { code, out, err } = await exported(list);
      expect({ code, err }).toEqual({ code: 0, err: "Exported 1201 tasks of 1 lists.\n" });
      const versions = (await store().tasks.find(list, "0"))?.envelope.savedAt as bigint;
      await empty(list);
      const imported = await run(["import"], { env: store().env, input: out });
      expect(imported).toEqual({ code: 0, out: "", err: "Imported 1201 tasks.\n" });
      expect(await idsOf(list)).toEqual([...numbers(1_200), "opaque"]);
      for await (const page of store().tasks.adapter.all(list, { pageSize: 500, maxPageBytes: 1e6 }))
        for (const { id, savedAt, body } of page) {
          expect(body).toEqual(before.get(id));
          expect(savedAt).toBeGreaterThan(versions);
        }
    });

    test("leave out what nobody could read back, and say so", async () => {
      const list = await seed(2);
      await store().tasks.adapter.save([
        { taskList: list, id: "x".repeat(600), type: "?", replaces: [], body: Uint8Array.of(0xff) },
      ]);
      for (const format of ["batch", "jsonl"]) {
        const { out, err, code } = await exported(list, "--format", format);
        expect({ err, code }).toMatchObject({
          err: expect.stringContaining("error[LEFT_OUT]: 1 damaged task"),
          code: 3,
        });
        const file = join(folder, `left-out.${format}`);
        writeFileSync(file, out);
        const { err: imported } = await taskledger("import", file, "--on-conflict", "overwrite");
        expect(imported).toContain("Imported 2 tasks.");
      }
    });

    test("as lines of JSON, decoded where the types are known", async () => {
      const list = await seed(3);
      await saveOpaque(store(), list, "opaque");
      await saveDamaged(store(), list, "damaged");
      const { out } = await exported(list, "--format", "jsonl", "--types", descriptors);
      const file = join(folder, "tasks.jsonl");
      writeFileSync(file, out);
      expect(JSON.parse(out.toString().split("\n")[0] as string)).toMatchObject({
        id: "0",
        data: { filename: "0.txt" },
      });
      await empty(list);
      const unknown = await taskledger("import", file);
      expect(unknown).toMatchObject({ code: 1 });
      expect(unknown.err).toContain("error[UNKNOWN_TYPE]");
      expect(unknown.err).toContain("--types tasks.binpb");
      expect(await taskledger("import", file, "--types", descriptors)).toMatchObject({ code: 0 });
      expect(await idsOf(list)).toEqual(["0", "1", "2", "opaque", "damaged"]);
      expect(await store().tasks.find(list, "2")).toMatchObject({ filename: "2.txt" });
    });

    test("stop at a task that is open, leave it, or replace it", async () => {
      const list = await seed(3);
      const { out: input } = await exported(list);
      const two = await store().tasks.find(list, "2");
      await store().tasks.completeAll([(await store().tasks.find(list, "0")) as FetchFileTask, two as FetchFileTask]);
      await store().tasks.create(FetchFileTask, { taskList: list, id: "1", filename: "newer" });
      const importing = (...options: string[]) => run(["import", ...options], { env: store().env, input });
      const failed = await importing();
      expect(failed).toMatchObject({ code: 3, out: "" });
      expect(failed.err).toContain("Imported 1 tasks.\n");
      expect(failed.err).toContain(`error[ALREADY_OPEN]: ${list}/1 is open already`);
      expect((await idsOf(list)).sort()).toEqual(["0", "1"]);
      const skipped = await importing("--on-conflict", "skip");
      expect(skipped).toEqual({ code: 0, out: "", err: "Imported 1 tasks, and left 2 that were open already.\n" });
      expect(await store().tasks.find(list, "1")).toMatchObject({ filename: "newer" });
      expect(await importing("--on-conflict", "overwrite")).toMatchObject({ code: 0, err: "Imported 3 tasks.\n" });
      expect(await store().tasks.find(list, "1")).toMatchObject({ filename: "1.txt" });
    });

    test("an input that is cut off is imported as far as it goes, and exits with 3", async () => {
      const list = await seed(450);
      const { out } = await exported(list);
      await empty(list);
      const cut = await run(["import"], { env: store().env, input: out.subarray(0, out.length - 10) });
      expect(cut.code).toBe(3);
      expect(cut.err).toContain("Imported 400 tasks.\n");
      expect(cut.err).toContain("error[TRUNCATED]");
      expect(await idsOf(list)).toEqual(numbers(400));
      const broken = await run(["import"], { env: store().env, input: "rubbish, and no export\n" });
      expect(broken.code).toBe(1);
    });

    test("an interrupted import goes on where it stopped, and neither loses nor doubles", async () => {
      const count = 6_000;
      const list = await seed(count);
      const { out } = await exported(list);
      await empty(list);
      const importing = await start(["import", "-", "--on-conflict", "skip"], { env: store().env });
      importing.stdin?.on("error", () => undefined);
      importing.stdin?.write(out.subarray(0, out.length >> 1)); // and then nothing: it waits
      let err = "";
      importing.stderr?.on("data", (chunk) => {
        err += chunk;
      });
      while ((await store().tasks.stats(list, { claims: false })).open === 0) await sleep(50);
      importing.kill("SIGINT");
      await once(importing, "close");
      expect(importing.exitCode).toBe(130);
      expect(err).toContain("To continue, run the same command with --on-conflict skip");
      const [, first] = /^Imported (\d+) tasks/.exec(err) ?? [];
      expect(Number(first)).toBeGreaterThan(0);
      expect((await idsOf(list)).length).toBeGreaterThanOrEqual(Number(first));
      expect((await idsOf(list)).length).toBeLessThan(count);
      const again = await run(["import", "--on-conflict", "skip"], { env: store().env, input: out });
      expect(again.code).toBe(0);
      // What was under way may have been saved in part: the rest of it has come behind.
      expect((await idsOf(list)).sort((a, b) => Number(a) - Number(b))).toEqual(numbers(count));
      const [, rest, left] = /^Imported (\d+) tasks, and left (\d+)/.exec(again.err) ?? [];
      expect(Number(rest) + Number(left)).toBe(count);
    });

    test("an interrupted export says that it is not whole, and what it wrote can be read", async () => {
      const list = await seed(5_000, 2_000); // more than pipes and streams hold
      const exporting = await start(["export", list], { env: store().env });
      const chunks: Buffer[] = [];
      let err = "";
      exporting.stderr?.on("data", (chunk) => {
        err += chunk;
      });
      for await (const chunk of exporting.stdout as AsyncIterable<Buffer>) {
        if (chunks.push(chunk) === 1) {
          exporting.kill("SIGINT");
          await sleep(300); // what is slow to read gives it the time to notice
        }
      }
      if (exporting.exitCode === null) await once(exporting, "exit");
      expect(exporting.exitCode).toBe(130);
      expect(err).toContain("Interrupted: the export is incomplete.");
      const read = await run(["decode", "-o", "jsonl"], { input: Buffer.concat(chunks) });
      const records = recordsOf("task", { out: read.out.split("\n").slice(0, 50).join("\n") });
      expect(records.map(({ id }) => id)).toEqual(numbers(50));
    });

    test("export ends with 0 when its reader has seen enough", async () => {
      const list = await seed(3_000);
      const { out, err } = await runShell(`(taskledger export '${list}' -q; echo "exit $?" >&2) | head -c 10 | wc -c`, {
        env: store().env,
      });
      expect({ out: out.trim(), err }).toEqual({ out: "10", err: "exit 0\n" });
    });

    test("without names all lists are exported", async () => {
      const [one, two] = [await seed(2), await seed(2)];
      const { out } = await exported("--format", "jsonl", "-q");
      const lists = new Set(
        out
          .toString()
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line).taskList),
      );
      expect(lists).toContain(one);
      expect(lists).toContain(two);
    });
  });
}
