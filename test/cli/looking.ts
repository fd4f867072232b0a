import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { recordsOf } from "./output-schema.js";
import { run, runShell, start } from "./process.js";
import { newList, saveDamaged, saveOpaque, type TestStore } from "./stores.js";

/** lists, ls, show and watch, on a store. */
export function describeLooking(store: () => TestStore, descriptors: string): void {
  const taskledger = (...args: string[]) => run(args, { env: store().env });
  const withTypes = (...args: string[]) => taskledger(...args, "--types", descriptors);
  const save = (taskList: string, id: string, more: object = {}) =>
    store().tasks.create(FetchFileTask, { taskList, id, externalHost: "acme.com", filename: `${id}.txt`, ...more });

  describe("lists", () => {
    test("counts what is open, claimed and retried", async () => {
      const list = newList();
      for (const id of ["a", "b", "c"]) await save(list, id);
      const [first, second] = [await store().tasks.find(list, "a"), await store().tasks.find(list, "b")];
      await (await store().tasks.claim(first as FetchFileTask))?.release();
      await store().tasks.claim(first as FetchFileTask, { owner: "worker" });
      await (await store().tasks.claim(second as FetchFileTask))?.release({ retryIn: 60_000 });
      const records = recordsOf("list", await taskledger("lists", "-o", "jsonl"));
      expect(records.find(({ taskList }) => taskList === list)).toMatchObject({
        ...{ open: 3, isCapped: false, claimed: 1, waiting: 1, retried: 1 },
      });
      const { code, out, err } = await taskledger("lists");
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out.split("\n")[0]).toMatch(/^LIST +OPEN +OLDEST +CLAIMED +RETRIED$/);
      expect(out).toMatch(new RegExp(`^${list} +3 +\\d+s +1 +1$`, "m"));
    });

    test("leaves out lists whose tasks have all been completed", async () => {
      const list = newList();
      await (await save(list, "a")).complete();
      const { out } = await taskledger("lists", "--json");
      expect(out).not.toContain(list);
      expect(JSON.parse(out)).toBeInstanceOf(Array);
    });

    test("exits with 3 where a task is open for longer than is allowed", async () => {
      const list = newList();
      await save(list, "a");
      const young = await taskledger("lists", "--no-count", "--no-headers", "--fail-older-than", "30d");
      expect(young).toMatchObject({ code: 0, err: "" });
      expect(young.out).toMatch(new RegExp(`^${list} +\\d+s$`, "m"));
      const old = await taskledger("lists", "--fail-older-than", "0s");
      expect(old.code).toBe(3);
      expect(old.err).toContain(`error[TOO_OLD]: ${list}: its oldest task is open for`);
    });

    test("looks only at the lists that are named", async () => {
      const [list, other] = [newList(), newList()];
      for (const each of [list, other]) await save(each, "a");
      const { code, out } = await taskledger("lists", list, "none", "--fail-older-than", "0s", "-o", "jsonl");
      expect(code).toBe(3);
      expect(recordsOf("list", { out })).toMatchObject([{ taskList: list, open: 1 }]);
      expect(await taskledger("lists", "none", "--fail-older-than", "0s")).toMatchObject({ code: 0 });
    });

    test("--watch prints the lists that change, until it is interrupted", async () => {
      const list = newList();
      const task = await save(list, "a");
      const child = await start(["lists", "-w", "--interval", "50ms", "-o", "json"], { env: store().env });
      const opens: number[] = [];
      for await (const line of createInterface({ input: child.stdout as never })) {
        const [record] = recordsOf("list", { out: line });
        if (record?.taskList !== list) continue;
        opens.push(record.open as number);
        if (opens.length === 1) await save(list, "b");
        else if (opens.length === 2)
          await store().tasks.completeAll([task, (await store().tasks.find(list, "b")) as never]);
        else child.kill("SIGINT");
      }
      if (child.exitCode === null) await once(child, "exit");
      expect(child.exitCode).toBe(130);
      expect(opens[0]).toBe(1);
      expect(opens[1]).toBe(2);
      expect(opens.at(-1)).toBe(0);
    });
  });

  describe("ls", () => {
    test("prints a list's tasks in order, with their data, attempts and claims", async () => {
      const list = newList();
      for (const id of ["a", "b"]) await save(list, id);
      await store().tasks.claim((await store().tasks.find(list, "b")) as FetchFileTask, {
        owner: "worker-7",
        lease: 3_600_000,
      });
      await saveOpaque(store(), list, "c");
      await saveDamaged(store(), list, "d");
      const { code, out, err } = await withTypes("ls", list);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out.replace(/ +/g, " ").replace(/\d+s /g, "1s ")).toBe(
        [
          "ID TYPE AGE ATTEMPT CLAIM DATA",
          'a example.v1.FetchFile 1s 0 - {"externalHost":"acme.com","filename":"a.txt"}',
          'b example.v1.FetchFile 1s 1 worker-7 59m {"externalHost":"acme.com","filename":"b.txt"}',
          "c acme.v1.Other ? 1s 0 - opaque, 2 B",
          "d ? 1s 0 - damaged, 7 B",
          "",
        ].join("\n"),
      );
      const records = recordsOf("task", await withTypes("ls", list, "-o", "jsonl"));
      expect(records).toMatchObject([
        {
          id: "a",
          state: "readable",
          data: { "@type": "type.googleapis.com/example.v1.FetchFile", filename: "a.txt" },
        },
        { id: "b", attempt: 1, claim: { state: "claimed", owner: "worker-7" } },
        { id: "c", state: "opaque", data: { "@type": "type.googleapis.com/acme.v1.Other", "@bytes": "CAc=" } },
        { id: "d", state: "damaged", data: { "@bytes": Buffer.from("rubbish").toString("base64") } },
      ]);
      expect(Object.keys(records[0]?.data as object)[0]).toBe("@type");
    });

    test("is at most 50 tasks as a table, and all as JSON", async () => {
      const list = newList();
      await store().tasks.saveAll(
        Array.from({ length: 60 }, (_, i) => FetchFileTask.build({ taskList: list, id: `${i}` })),
      );
      const table = await taskledger("ls", list, "--no-headers");
      expect(table.out.trimEnd().split("\n")).toHaveLength(50);
      expect(table.err).toContain("There are more");
      expect((await taskledger("ls", list, "--no-headers", "-q")).err).toBe("");
      expect(recordsOf("task", await taskledger("ls", list, "-o", "jsonl"))).toHaveLength(60);
      expect(JSON.parse((await taskledger("ls", list, "--json", "--limit", "7")).out)).toHaveLength(7);
    });

    test("picks by type, id, age, attempts and claims", async () => {
      const list = newList();
      for (const id of ["a1", "a2", "b1"]) await save(list, id);
      await saveOpaque(store(), list, "c1");
      await store().tasks.claim((await store().tasks.find(list, "a1")) as FetchFileTask);
      const ids = async (...options: string[]) =>
        recordsOf("task", await taskledger("ls", list, "-o", "jsonl", ...options)).map(({ id }) => id);
      expect(await ids("--id-prefix", "a")).toEqual(["a1", "a2"]);
      expect(await ids("--type", "acme.v1.Other")).toEqual(["c1"]);
      expect(await ids("--min-attempt", "1")).toEqual(["a1"]);
      expect(await ids("--unclaimed", "--id-prefix", "a")).toEqual(["a2"]);
      expect(await ids("--older-than", "1h")).toEqual([]);
      expect(await ids("--older-than", "0s")).toHaveLength(4);
    });

    test("of an empty list is a note, and no error", async () => {
      const list = newList();
      expect(await taskledger("ls", list, "--json")).toEqual({
        code: 0,
        out: "[]\n",
        err: `${list} has no open tasks.\n`,
      });
    });

    test("ends with 0 when its reader has seen enough", async () => {
      const list = newList();
      await store().tasks.saveAll(
        Array.from({ length: 3_000 }, (_, i) => FetchFileTask.build({ taskList: list, id: `${i}` })),
      );
      const { out, err } = await runShell(`(taskledger ls '${list}' -o jsonl; echo "exit $?" >&2) | head -1`, {
        env: store().env,
      });
      expect(out).toContain('"id":"0"');
      expect(err).toBe("exit 0\n");
    });
  });

  describe("show", () => {
    test("prints all that is known of a task", async () => {
      const list = newList();
      const task = FetchFileTask.build(
        { taskList: list, id: "a", filename: "a.txt", size: 2n ** 60n },
        { headers: { traceparent: "00-ab-cd-01" } },
      );
      await store().tasks.save(task);
      const { code, out, err } = await withTypes("show", list, "a");
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toContain(
        `LIST      ${list}\nID        a\nTYPE      example.v1.FetchFile\nVERSION   ${task.envelope.savedAt}\n`,
      );
      expect(out).toContain("HEADER    traceparent: 00-ab-cd-01\n");
      expect(out).toMatch(/DATA\n\{\n {2}"@type": "type.googleapis.com\/example.v1.FetchFile",\n/);
      expect(out).toContain('"size": "1152921504606846976"');
      const json = await withTypes("show", list, "a", "--json");
      expect(recordsOf("task", { out: JSON.stringify(JSON.parse(json.out)) })).toMatchObject([
        { id: "a", version: String(task.envelope.savedAt), headers: { traceparent: "00-ab-cd-01" } },
      ]);
    });

    test("exits with 4 for a task that is not open, and says where to look", async () => {
      const { code, out, err } = await taskledger("show", newList(), "a");
      expect({ code, out }).toEqual({ code: 4, out: "" });
      expect(err).toMatch(/^error\[NOT_OPEN\]: .*\/a is not open\n/);
      expect(err).toContain("docs/completed.md");
    });

    test("--raw writes the envelope's bytes, or of a damaged task what is stored", async () => {
      const list = newList();
      const task = await save(list, "a");
      await saveDamaged(store(), list, "b");
      const { out } = await runShell(`taskledger show '${list}' a --raw | base64 -w 0`, { env: store().env });
      expect(out).toBe(Buffer.from(task.toBinary()).toString("base64"));
      expect((await taskledger("show", list, "b", "--raw")).out).toBe("rubbish");
      const damaged = await taskledger("show", list, "b");
      expect(damaged.out).toMatch(/^DATA IS {3}damaged: the store holds bytes that are no task/m);
    });
  });

  test("watch prints what opens and what is gone, until it is interrupted", async () => {
    const list = newList();
    const before = await save(list, "before");
    const child = await start(["watch", list, "--interval", "50ms", "-o", "jsonl", "--types", descriptors], {
      env: store().env,
    });
    const events: Record<string, unknown>[] = [];
    const steps = [() => save(list, "new"), () => before.complete(), () => child.kill("SIGINT")];
    // Until one of these is seen, it may not have begun.
    const probes = setInterval(() => void save(list, "probe"), 200);
    onTestFinished(() => clearInterval(probes));
    let hasBegun = false;
    for await (const line of createInterface({ input: child.stdout as never })) {
      const [event] = recordsOf("event", { out: line }) as [Record<string, unknown>];
      if (event.id !== "probe") events.push(event);
      else if (hasBegun) continue;
      hasBegun = true;
      clearInterval(probes);
      await steps.shift()?.();
    }
    if (child.exitCode === null) await once(child, "exit");
    expect(child.exitCode).toBe(130);
    expect(events).toMatchObject([
      { event: "opened", taskList: list, id: "new", task: { data: { filename: "new.txt" } } },
      { event: "gone", taskList: list, id: "before", version: String(before.envelope.savedAt) },
    ]);
  });
}
