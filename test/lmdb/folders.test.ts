import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LAYOUT } from "../../src/adapters/lmdb/layout.js";
import { type Refusal, StoreProcess, type Task } from "./process.js";

const list = "folders.example";

/** Every folder is opened by another process, since LMDB's way to refuse one may be a signal. */
describe("a folder", { timeout: 120_000 }, () => {
  let place: string;
  let path: string;

  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), "taskledger-lmdb-"));
    path = join(place, "store");
  });

  afterEach(() => rmSync(place, { recursive: true, force: true }));

  async function using<T>(use: (user: StoreProcess) => Promise<T>, folder = path): Promise<T> {
    const user = new StoreProcess(folder);
    const result = await use(user);
    expect(await user.end()).toBe(0);
    return result;
  }

  const save = (...ids: string[]) => using((user) => user.ask<Task[]>("save", list, ids));

  /** Twice, since a refusal must not leave anything behind; and it must print nothing. */
  async function refusal(folder = path): Promise<Refusal> {
    const user = new StoreProcess(folder);
    await user.refusal("open");
    const error = await user.refusal("list", list);
    expect(await user.end()).toBe(0);
    expect(user.errors).toBe("");
    expect(error.outcome).toBe("not-applied");
    return error;
  }

  it("is made where there is none, and those that it lies in", async () => {
    path = join(place, "a", "b", "c.d");
    await save("a");
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it("is one store, by whatever name it is opened", async () => {
    const saved = await save("a");
    symlinkSync(path, join(place, "link"));
    expect(await using((user) => user.ask("list", list), join(place, "link"))).toEqual(saved);
    expect(await using((user) => user.ask("list", list), `${path}/../store/`)).toEqual(saved);
  });

  it("of a store with larger pages is used as it is", async () => {
    const root = open({ path, noSubdir: false, pageSize: 8192, encoding: "binary", keyEncoding: "binary" });
    await root.put(Buffer.from("layout"), Buffer.from(LAYOUT));
    await root.close();
    expect(readFileSync(join(path, "data.mdb")).readUint32LE(48)).toBe(8192);
    const saved = await save("é".repeat(256), "b");
    expect(await using((user) => user.ask("list", list))).toEqual(saved);
  });

  it("is refused if it is a file, or lies in one", async () => {
    writeFileSync(path, "not a folder");
    for (const folder of [path, join(path, "deeper")]) {
      const { code, message } = await refusal(folder);
      expect(code).toBe("UNAVAILABLE");
      expect(message).toContain(`${folder}: the path, or a part of it, is a file: name a folder`);
    }
  });

  it.skipIf(process.getuid?.() !== 0)("is refused if the user may not write there (tried as root only)", async () => {
    await save("a");
    const user = new StoreProcess(path, { user: 65534 });
    const { code, message } = await user.refusal("open");
    expect([code, message]).toEqual(["UNAVAILABLE", expect.stringContaining("this process may not write there")]);
    await user.end();
    const maker = new StoreProcess(join(place, "another"), { user: 65534 });
    expect((await maker.refusal("open")).message).toContain("this process may not write there");
    await maker.end();
  });

  it.each([
    ["holds something else", Buffer.alloc(16_384, 7), "is no LMDB data file"],
    ["is cut off at its beginning", Buffer.alloc(100), "is no LMDB data file"],
  ])("is refused if its data file %s", async (_, bytes, reason) => {
    mkdirSync(path);
    writeFileSync(join(path, "data.mdb"), bytes);
    const { code, message } = await refusal();
    expect([code, message]).toEqual(["UNAVAILABLE", expect.stringContaining(`data.mdb ${reason}`)]);
    expect(readFileSync(join(path, "data.mdb")).equals(bytes)).toBe(true);
  });

  it.each([4096, 8192, 20_000])("is refused if its data file has lost all but %i bytes", async (left) => {
    await save(...Array.from({ length: 500 }, (_, i) => `${i}`));
    truncateSync(join(path, "data.mdb"), left);
    const { code, message } = await refusal();
    expect([code, message]).toEqual(["UNAVAILABLE", expect.stringContaining("restore this one from a backup")]);
  });

  it("is refused if another version of LMDB wrote it", async () => {
    await save("a");
    const file = join(path, "data.mdb");
    const bytes = readFileSync(file);
    bytes.writeUint32LE(1, 28);
    writeFileSync(file, bytes);
    expect((await refusal()).message).toContain("was written by another version of LMDB");
  });

  it("is refused if another program's LMDB store is there, which stays as it is", async () => {
    const root = open({ path, noSubdir: false, encoding: "string" });
    const table = root.openDB({ name: "theirs", encoding: "string" });
    await table.put("key", "value");
    await root.close();
    const { code, message } = await refusal();
    expect([code, message]).toEqual(["SCHEMA_MISMATCH", expect.stringContaining("was made by another program")]);
    const again = open({ path, noSubdir: false, encoding: "string" });
    expect(again.openDB({ name: "theirs", encoding: "string" }).get("key")).toBe("value");
    await again.close();
  });

  it("is refused if a later version of taskledger wrote it in another way", async () => {
    await save("a");
    const root = open({ path, noSubdir: false, encoding: "binary", keyEncoding: "binary" });
    await root.put(Buffer.from("layout"), Buffer.from("taskledger 3"));
    await root.close();
    const { code, message } = await refusal();
    expect([code, message]).toEqual(["SCHEMA_MISMATCH", expect.stringContaining('"taskledger 3"')]);
  });

  it("can't be opened without the package lmdb, and the error says how to install it", async () => {
    const user = new StoreProcess(path, { without: "lmdb" });
    const { code, message } = await user.refusal("open");
    expect([code, message]).toEqual(["MISSING_DRIVER", "lmdb is not installed; install it: npm install lmdb"]);
    await user.end();
  });
});
