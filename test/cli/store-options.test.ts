import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { buildDescriptors } from "./descriptors.js";
import { configured, memoryStore } from "./memory-store.js";
import { recordsOf } from "./output-schema.js";
import { run } from "./process.js";

const folder = temporaryFolder();
const path = join(folder, "ledger.db");
const url = `sqlite:${path}`;
const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
beforeAll(async () => {
  await tasks.create(FetchFileTask, { taskList: "acme.com", id: "a" });
});
afterAll(() => tasks.close());

const listed = { code: 0, out: expect.stringMatching(/^acme.com +1 /m), err: "" };

describe("the store", () => {
  test("is that of --store, of TASKLEDGER_STORE, or of the config file", async () => {
    const cwd = configured(folder, "config", `export default { store: "sqlite:../ledger.db" };`);
    expect(await run(["lists", "--store", url], { cwd: folder })).toEqual(listed);
    expect(await run(["lists"], { cwd: folder, env: { TASKLEDGER_STORE: url } })).toEqual(listed);
    expect(await run(["lists"], { cwd })).toEqual(listed);
    expect(await run(["lists", "--config", join(cwd, "taskledger.config.mjs")], { cwd: folder })).toEqual(listed);
    expect(await run(["lists", "--store", url], { cwd, env: { TASKLEDGER_STORE: "sqlite:/none" } })).toEqual(listed);
  });

  test("that nobody names is wrong usage, and so is a URL that is none", async () => {
    const none = await run(["lists"], { cwd: folder });
    expect(none).toMatchObject({ code: 2, out: "" });
    expect(none.err).toMatch(/^error\[NO_STORE\]: no store is named\n {2}Name one in one of these ways:/);
    const wrong = await run(["lists", "--store", "mysql://host/x"], { cwd: folder });
    expect(wrong.code).toBe(2);
    expect(wrong.err).toMatch(/^error\[INVALID_URL\]/);
  });

  test("whose file's name is misspelt is not made", async () => {
    for (const command of [["lists"], ["doctor"], ["complete", "l", "a", "--latest", "--yes"]]) {
      const { code, err } = await run([...command, "--store", "sqlite:./leger.db"], { cwd: folder });
      expect(code).toBe(1);
      expect(err).toMatch(/^error\[NO_FILE\]: there is no file .*leger.db\n/);
    }
  });

  test("that does not answer is an error, after the time that it was given", async () => {
    // A port of the machine that nobody listens at, which is refused at once or never.
    const args = ["lists", "--store", "cassandra://127.0.0.1:9/tasks?datacenter=dc1", "--timeout", "2s"];
    const { code, out, err } = await run(args, { cwd: folder });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^error\[(UNAVAILABLE|TIMEOUT)\]/);
    expect(err).toContain("taskledger doctor");
    const doctor = await run(["doctor", ...args.slice(1)], { cwd: folder });
    expect(doctor.code).toBe(3);
    expect(doctor.out).toMatch(/^connect +problem /m);
  });
});

describe("passwords", () => {
  const secret = "s3cret/@word";
  const store = "cassandra://ledger@127.0.0.1:9/tasks?datacenter=dc1";
  const lists = (args: string[], env = {}) => run(["lists", "--timeout", "1s", ...args], { cwd: folder, env });

  test("are refused in arguments, which every user of the machine can read", async () => {
    const { code, out, err } = await lists(["--store", "cassandra://ledger:s3cret@127.0.0.1:9/tasks?datacenter=dc1"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^error\[PASSWORD_IN_ARGUMENTS\]/);
    expect(err).toContain("--password-file");
  });

  test("come from a file or the environment, and are never printed", async () => {
    writeFileSync(join(folder, "password"), `${secret}\n`);
    const ways = [
      await lists(["--store", store, "--password-file", "password"]),
      await lists(["--store", store], { TASKLEDGER_PASSWORD_FILE: join(folder, "password") }),
      await lists(["--store", store], { TASKLEDGER_PASSWORD: secret }),
      await lists([], { TASKLEDGER_STORE: store.replace("@", `:${encodeURIComponent(secret)}@`) }),
    ];
    for (const { code, err, out } of ways) {
      expect(code).toBe(1); // it has got as far as the host, where nobody is
      expect(err).toMatch(/^error\[(UNAVAILABLE|TIMEOUT)\]/);
      expect(out + err).not.toContain("s3cret");
    }
  });

  test("that are missing are asked for by name", async () => {
    const { code, err } = await lists(["--store", store]);
    expect(code).toBe(2);
    expect(err).toMatch(/^error\[NO_PASSWORD\]/);
  });

  test("are not printed with a URL that is wrong", async () => {
    for (const wrong of [
      `cassandra://ledger:s3cret@/tasks`,
      `cassandra://ledger:s3cret@host/tasks`,
      `cassandra://ledger:s3cret/@host/tasks?datacenter=dc1`,
      `casandra://ledger:s3cret@host/tasks?datacenter=dc1`,
    ]) {
      const { code, out, err } = await lists([], { TASKLEDGER_STORE: wrong });
      expect(code).toBe(2);
      expect(out + err).not.toContain("s3cret");
    }
  });
});

describe("a config file", () => {
  test("names types, too: descriptor sets and classes", async () => {
    const cwd = configured(
      folder,
      "types",
      `export default { store: "sqlite:../ledger.db", types: [${JSON.stringify(buildDescriptors())}] };`,
    );
    expect(recordsOf("task", await run(["ls", "acme.com", "-o", "jsonl"], { cwd }))).toMatchObject([
      { state: "readable" },
    ]);
  });

  test.each([
    ["no object", "export default 7;", "its default export is not an object"],
    ["a stray setting", "export default { stoer: 1 };", 'there is no setting "stoer"; there are store and types'],
    ["a store that is none", "export default { store: 7 };", "store is neither a URL nor a function"],
    ["types that are none", "export default { types: [7] };", "types is not an array"],
    ["a syntax error", "export default {", "it can't be loaded"],
  ])("is refused: %s", async (name, text, message) => {
    const { code, err } = await run(["lists"], { cwd: configured(folder, `wrong ${name}`, text) });
    expect(code).toBe(2);
    expect(err).toContain("error[INVALID_CONFIG]");
    expect(err).toContain(message);
  });

  test("that is not there is an error if it is named", async () => {
    expect((await run(["lists", "--config", "none.mjs"], { cwd: folder })).err).toMatch(/^error\[NO_CONFIG\]/);
  });
});

describe("a store that the config file makes, in memory", () => {
  const types = [buildDescriptors()];
  const memory = (name: string, change?: string) => memoryStore(folder, name, { types, ...(change && { change }) });

  test("is looked at, changed, exported and examined", async () => {
    const cwd = await memory("memory");
    expect(recordsOf("list", await run(["lists", "-o", "jsonl"], { cwd }))).toMatchObject([{ taskList: "l", open: 1 }]);
    expect(recordsOf("task", await run(["ls", "l", "-o", "jsonl"], { cwd }))).toMatchObject([{ state: "readable" }]);
    expect((await run(["show", "l", "a"], { cwd })).code).toBe(0);
    expect((await run(["complete", "l", "a", "--latest", "--yes"], { cwd })).code).toBe(0);
    expect((await run(["release", "l", "a", "--yes"], { cwd })).code).toBe(4);
    expect((await run(["doctor", "--write"], { cwd })).code).toBe(0);
    const exported = await run(["export", "--format", "jsonl", "-q"], { cwd });
    expect(exported.code).toBe(0);
    expect(await run(["import"], { cwd, input: exported.out })).toMatchObject({ code: 3 });
    expect(await run(["import"], { cwd, input: exported.out.replace('"id":"a"', '"id":"b"') })).toMatchObject({
      code: 0,
    });
    expect((await run(["schema", "check"], { cwd })).err).toMatch(/^error\[NO_STORE\]/);
  });

  test("that does not say whether it has completed the task ends the command with 75", async () => {
    const change = `adapter.complete = async (entries) => entries.map(() => ({ ok: false, error:
  Object.assign(new Error("no answer"), { name: "TaskError", code: "TIMEOUT", outcome: "unknown" }) }));`;
    const { code, err } = await run(["complete", "l", "a", "--latest", "--yes"], {
      cwd: await memory("unknown", change),
    });
    expect({ code, err }).toMatchObject({ code: 75, err: expect.stringContaining("doing it again is safe") });
  });

  test("that saves only a part of an import has its error printed, and the command ends with 3", async () => {
    const change = `adapter.save = async (entries) => entries.map((_, i) => i < 1 ? { ok: true, value: 1n } : { ok: false, error:
  Object.assign(new Error("the disk is full"), { name: "TaskError", code: "UNAVAILABLE", outcome: "not-applied" }) });`;
    const cwd = await memory("full", change);
    const input = ["b", "c"].map((id) => JSON.stringify(FetchFileTask.build({ taskList: "l", id }))).join("\n");
    const { code, err } = await run(["import"], { cwd, input });
    expect(err).toMatch(/^Imported 1 tasks\.\nerror\[UNAVAILABLE\]: the disk is full\n/);
    expect(err).not.toContain("Nothing was changed");
    expect(code).toBe(3);
  });

  test("that never answers ends it with 1, after the time it was given", async () => {
    const change = `adapter.find = (_, { signal }) => new Promise((_, reject) => {
  const keep = setInterval(() => {}, 1000);
  signal.addEventListener("abort", () => { clearInterval(keep); reject(Object.assign(new Error("aborted"),
    { name: "TaskError", code: "ABORTED", outcome: "not-applied", cause: signal.reason })); });
});`;
    const cwd = await memory("silent", change);
    const { code, err } = await run(["show", "l", "a", "--timeout", "1s"], { cwd });
    expect(code).toBe(1);
    expect(err).toMatch(/^error\[TIMEOUT\]: the store has not answered for 1s\n/);
  });

  test("that is no adapter is wrong usage", async () => {
    const cwd = configured(folder, "no adapter", "export default { store: () => ({ open() {} }) };");
    for (const command of [["lists"], ["ls", "l"]]) {
      const { code, err } = await run(command, { cwd });
      expect(code).toBe(2);
      expect(err).toMatch(/^error\[INVALID_ARGUMENT\]: store: expected it to return an adapter \(open, save, /);
    }
  });

  test("that has neither lists nor claims says so", async () => {
    const cwd = await memory(
      "plain",
      "adapter.lists = undefined; Object.defineProperty(adapter, 'claims', { value: undefined });",
    );
    expect(await run(["lists"], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error\[UNSUPPORTED\]/),
    });
    expect(await run(["release", "l", "a", "--yes"], { cwd })).toMatchObject({ code: 1 });
    expect(recordsOf("task", await run(["ls", "l", "-o", "jsonl"], { cwd }))).toHaveLength(1);
  });
});
