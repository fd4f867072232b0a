import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { runSql } from "../support/sqlite.js";
import { run } from "./process.js";

const folder = temporaryFolder();
const schema = (action: string, name: string, ...args: string[]) =>
  run(["schema", action, "--store", `sqlite:${join(folder, name)}`, ...args]);

test("schema print prints statements that a database takes, and makes nothing", async () => {
  const { code, out, err } = await schema("print", "none.db");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("CREATE TABLE");
  expect(existsSync(join(folder, "none.db"))).toBe(false);
});

test("schema apply makes a store, and again changes nothing; check finds it in order", async () => {
  expect(await schema("check", "new.db")).toMatchObject({ code: 1, err: expect.stringMatching(/^error\[NO_FILE\]/) });
  for (let i = 0; i < 2; i++)
    expect(await schema("apply", "new.db")).toEqual({ code: 0, out: "The schema is complete.\n", err: "" });
  expect(await schema("check", "new.db")).toEqual({ code: 0, out: "The store's schema is in order.\n", err: "" });
});

test("schema check exits with 3 where the file is another program's, and leaves it", async () => {
  runSql(join(folder, "other.db"), "CREATE TABLE albums (id INTEGER)");
  const { code, err } = await schema("check", "other.db");
  expect({ code, err }).toMatchObject({ code: 3, err: expect.stringMatching(/^error\[SCHEMA_MISMATCH\]/) });
  expect(err).not.toContain("drop");
});

test("a Cassandra keyspace needs to be told its replicas", async () => {
  const store = ["--store", "cassandra://127.0.0.1:9/tasks?datacenter=dc1"];
  const untold = await run(["schema", "print", ...store]);
  expect(untold).toMatchObject({ code: 2, err: expect.stringMatching(/^error\[NO_REPLICATION\]/) });
  const { code, out } = await run(["schema", "print", ...store, "--replication", "dc1=3,dc2=2", "--shards", "16"]);
  expect(code).toBe(0);
  expect(out).toMatch(/CREATE KEYSPACE .*'dc1': '?3'?, 'dc2': '?2'?/);
  expect(out).not.toMatch(/\b(DROP|TRUNCATE)\b/i);
  for (const wrong of [
    ["--replication", "none"],
    ["--replication", "3", "--shards", "0"],
  ])
    expect((await run(["schema", "print", ...store, ...wrong])).code).toBe(2);
});
