import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, test } from "vitest";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { taskEntry } from "../../src/testing/entries.js";
import { failureOf } from "../runtime/failure.js";
import { temporaryFolder } from "../support/folders.js";
import { rawDatabase } from "./judge.js";

const folder = temporaryFolder();
const LIST = "files.example";
let cases = 0;
let path: string;
let adapter: SqliteAdapter;

beforeEach(() => {
  path = join(folder, `case-${cases++}`, "ledger.db");
  adapter = new SqliteAdapter({ path });
});
afterEach(() => adapter.close());

const save = async (id: string) => (await adapter.save([taskEntry(LIST, id)]))[0];
const find = (id: string) => adapter.find([{ taskList: LIST, id }]);

/** What the store refuses while its file is not where it was. */
async function expectRefused(reason: string | RegExp): Promise<void> {
  const outcome = await save("refused");
  expect(outcome).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", outcome: "not-applied", id: "refused" } });
  if (!outcome?.ok) expect(outcome?.error.message).toMatch(reason);
  const [completed] = await adapter.complete([{ taskList: LIST, id: "a", savedAt: 10n ** 17n }]);
  expect(completed).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", outcome: "not-applied" } });
  expect(await failureOf(() => find("a"))).toMatchObject({ code: "UNAVAILABLE" });
}

describe("a file that is open", () => {
  beforeEach(async () => void (await save("a")));

  it("and is removed is acknowledged nothing any more", async () => {
    rmSync(path);
    await expectRefused(/ledger\.db was removed or moved while it was open; put it back/);
  });

  it("and is moved is acknowledged nothing until it is back", async () => {
    renameSync(path, `${path}.moved`);
    await expectRefused("was removed or moved");
    renameSync(`${path}.moved`, path);
    expect(await save("b")).toMatchObject({ ok: true });
    expect((await find("a"))[0]).toBeDefined();
  });

  it("and whose folder is moved is acknowledged nothing any more", async () => {
    renameSync(dirname(path), `${dirname(path)}-moved`);
    await expectRefused("was removed or moved");
  });

  it("and is replaced, by its own copy too, is acknowledged nothing any more", async () => {
    copyFileSync(path, `${path}.copy`);
    renameSync(`${path}.copy`, path);
    await expectRefused(/ledger\.db was replaced while it was open/);
  });

  it("and is cut is acknowledged nothing any more, with the advice to take a backup, which then is whole", async () => {
    for (let i = 0; i < 200; i++) await adapter.save([taskEntry(LIST, `large ${i}`, { data: new Uint8Array(4000) })]);
    const database = rawDatabase(path);
    database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    database.prepare("VACUUM INTO ?").run(`${path}.backup`);
    database.close();
    truncateSync(path, 16 * 4096);
    const reading = async () => {
      for await (const _ of adapter.all(LIST, { pageSize: 1000, maxPageBytes: 1e7 }));
    };
    expect(await failureOf(reading)).toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("backup") });
    for (let i = 0; i < 10; i++)
      expect(await save(`${i}`)).toMatchObject({
        ok: false,
        error: { code: "UNAVAILABLE", message: expect.stringContaining("backup") },
      });
    await adapter.close();
    for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
    copyFileSync(`${path}.backup`, path);
    adapter = new SqliteAdapter({ path });
    expect(await save("b")).toMatchObject({ ok: true });
    expect((await find("large 199"))[0]).toBeDefined();
  });

  it.each(["wal", "shm"])("and whose -%s is removed is acknowledged nothing any more", async (suffix) => {
    rmSync(`${path}-${suffix}`);
    await expectRefused(`ledger.db-${suffix} was removed or moved`);
  });

  const changes: [string, (file: string) => void, RegExp][] = [
    ["is removed", (file) => rmSync(file), /ledger\.db was removed or moved/],
    ["is moved with its folder", (file) => renameSync(dirname(file), `${dirname(file)}-away`), /was removed or moved/],
    ["loses its log", (file) => rmSync(`${file}-wal`), /ledger\.db-wal was removed or moved/],
    ["gets another log", replaceLog, /ledger\.db-wal was replaced/],
  ];
  function replaceLog(file: string): void {
    copyFileSync(`${file}-wal`, `${file}.copy`);
    renameSync(`${file}.copy`, `${file}-wal`);
  }

  it.concurrent.each(changes)(
    "in a folder that was left alone for a while, and that %s, is acknowledged nothing any more",
    async (_, change, reason) => {
      const file = join(folder, `quiet-${cases++}`, "ledger.db");
      const quiet = new SqliteAdapter({ path: file });
      const saveThere = async () => (await quiet.save([taskEntry(LIST, "a")]))[0];
      expect(await saveThere()).toMatchObject({ ok: true });
      await sleep(3_000);
      expect(await saveThere()).toMatchObject({ ok: true });
      expect(await saveThere()).toMatchObject({ ok: true });
      change(file);
      const message = expect.stringMatching(reason);
      expect(await saveThere()).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", message } });
      expect(await failureOf(() => quiet.find([{ taskList: LIST, id: "a" }]))).toMatchObject({ message });
      await quiet.close();
    },
  );

  it("by a symbolic link that is set to another file is acknowledged nothing any more", async () => {
    const link = `${path}.link`;
    symlinkSync(path, link);
    const linked = new SqliteAdapter({ path: link });
    expect(await linked.save([taskEntry(LIST, "by-link")])).toMatchObject([{ ok: true }]);
    rmSync(link);
    symlinkSync(`${path}-reserve`, link);
    expect(await linked.save([taskEntry(LIST, "refused")])).toMatchObject([{ error: { code: "UNAVAILABLE" } }]);
    await linked.close();
    expect((await find("by-link"))[0]).toBeDefined();
  });
});

describe("in the place of the file that reserves room", () => {
  const reserve = () => `${path}-reserve`;
  beforeEach(() => mkdirSync(dirname(path)));

  it("a link to somebody's file is not followed, but replaced", async () => {
    const foreign = join(dirname(path), "foreign");
    writeFileSync(foreign, "precious");
    symlinkSync(foreign, reserve());
    await save("a");
    expect(readFileSync(foreign, "utf8")).toBe("precious");
    expect(lstatSync(reserve()).isFile()).toBe(true);
  });

  it("a FIFO, which nobody reads, holds up nothing", async () => {
    execFileSync("mkfifo", [reserve()]);
    expect(await save("a")).toMatchObject({ ok: true });
    expect(lstatSync(reserve()).isFile()).toBe(true);
  });

  it("a folder is left alone", async () => {
    mkdirSync(reserve());
    expect(await save("a")).toMatchObject({ ok: true });
    expect(lstatSync(reserve()).isDirectory()).toBe(true);
  });
});

test("a new file, its folder and what lies beside it are this user's alone, where others may read new files", async () => {
  const before = process.umask(0o022);
  onTestFinished(() => void process.umask(before));
  await save("a");
  const modeOf = (name: string) => (statSync(name).mode & 0o777).toString(8);
  expect(modeOf(dirname(path))).toBe("700");
  for (const suffix of ["", "-wal", "-shm", "-reserve"]) expect(modeOf(`${path}${suffix}`)).toBe("600");
});

describe("what is no ledger", () => {
  const refusals: [string, (path: string) => unknown, string, RegExp][] = [
    ["garbage", (file) => writeFileSync(file, "garbage ".repeat(1000)), "UNAVAILABLE", /it is not an SQLite database/],
    ["a folder", (file) => mkdirSync(file), "UNAVAILABLE", /it is a folder: name a file in it/],
    ["a FIFO", (file) => execFileSync("mkfifo", [file]), "UNAVAILABLE", /it is not a regular file/],
    ["a device", (file) => symlinkSync("/dev/zero", file), "UNAVAILABLE", /it is not a regular file/],
    ["another program's", (file) => make(file, "CREATE TABLE t (x)"), "SCHEMA_MISMATCH", /another program made it/],
    [
      "another program's that says so",
      (file) => make(file, "PRAGMA application_id = 7; CREATE TABLE t (x)"),
      "SCHEMA_MISMATCH",
      /another program made it/,
    ],
  ];
  function make(file: string, sql: string): void {
    const database = rawDatabase(file);
    database.exec(sql);
    database.close();
  }

  it.each(refusals)("such as %s, is refused in one line, and left as it is", async (_, create, code, reason) => {
    mkdirSync(dirname(path));
    create(path);
    const before = statSync(path);
    const error = await failureOf(() => adapter.open());
    expect(error).toMatchObject({ code, outcome: "not-applied" });
    expect(String(error)).toMatch(reason);
    expect(String(error)).toContain(path);
    expect(String(error)).not.toContain("\n");
    expect(statSync(path).size).toBe(before.size);
  });

  it("such as one of a newer version, is refused", async () => {
    await adapter.open();
    make(path, "PRAGMA user_version = 2");
    const other = new SqliteAdapter({ path });
    expect(await failureOf(() => other.open())).toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringContaining("it has layout 2, and this version of taskledger works with 1: update it"),
    });
    await other.close();
  });

  it("such as one that was cut, is UNAVAILABLE, with the advice to take a backup", async () => {
    for (let i = 0; i < 200; i++) await save(`${i}`);
    await adapter.close();
    truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096);
    const cut = new SqliteAdapter({ path });
    const reading = async () => {
      for await (const _ of cut.all(LIST, { pageSize: 1000, maxPageBytes: 1e7 }));
    };
    expect(await failureOf(reading)).toMatchObject({ code: "UNAVAILABLE", message: expect.stringContaining("backup") });
    await cut.close();
  });

  it("is refused once more when it is asked again, and taken once it is right", async () => {
    mkdirSync(path, { recursive: true });
    expect(await failureOf(() => adapter.open())).toMatchObject({ code: "UNAVAILABLE" });
    expect(await failureOf(() => adapter.open())).toMatchObject({ code: "UNAVAILABLE" });
    rmSync(path, { recursive: true });
    await adapter.open();
  });
});

describe("a store that is opened read-only", () => {
  it("gives what is there, and writes nothing", async () => {
    await save("a");
    const reader = new SqliteAdapter({ path, readOnly: true });
    expect((await reader.find([{ taskList: LIST, id: "a" }]))[0]).toBeDefined();
    await save("b");
    expect((await reader.find([{ taskList: LIST, id: "b" }]))[0]).toBeDefined();
    const key = { taskList: LIST, id: "a", savedAt: 1n };
    for (const call of [
      () => reader.save([taskEntry(LIST, "c")]),
      () => reader.complete([key]),
      () => reader.claims.claim({ ...key, owner: "me", lease: 1000 }),
    ])
      expect(await failureOf(call)).toMatchObject({ code: "UNSUPPORTED" });
    await reader.close();
  });

  it("is not made", async () => {
    const reader = new SqliteAdapter({ path, readOnly: true });
    expect(await failureOf(() => reader.open())).toMatchObject({ code: "UNAVAILABLE" });
    await reader.close();
  });
});

test("what a person sees in the sqlite3 shell is a view of the open tasks, oldest first", async () => {
  await save("a");
  await save("b");
  const database = rawDatabase(path);
  const rows = database.prepare("SELECT * FROM open_tasks").all();
  database.close();
  expect(rows.map(({ list, id }) => [list, id])).toEqual([
    [LIST, "a"],
    [LIST, "b"],
  ]);
  expect(rows[0]).toMatchObject({ type: "google.protobuf.BytesValue", saved: expect.stringMatching(/^20\d\d-/) });
});
