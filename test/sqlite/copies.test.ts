import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { taskEntry } from "../../src/testing/entries.js";
import { bundle } from "../support/bundle.js";
import { temporaryFolder } from "../support/folders.js";
import { openTasks } from "./judge.js";

const folder = temporaryFolder();

test("two installed copies of the package use one file in one process, and one goes on when the other is closed", async () => {
  const original = await bundle("src/adapters/sqlite/index.ts");
  const path = join(folder, "ledger.db");
  const copies = await Promise.all(
    [1, 2].map(async (copy) => {
      const file = original.replace(/\.mjs$/, `-copy${copy}.mjs`);
      copyFileSync(original, file);
      const { SqliteAdapter } = await import(pathToFileURL(file).href);
      return new SqliteAdapter({ path });
    }),
  );
  const save = (copy: number, id: string) => copies[copy].save([taskEntry("l", id)]);
  const ids = Array.from({ length: 50 }, (_, i) => `${i}`);
  await Promise.all(ids.flatMap((id) => [save(0, `a${id}`), save(1, `b${id}`)]));
  await copies[0].close();
  for (const id of ids) expect(await save(1, `c${id}`)).toMatchObject([{ ok: true }]);
  await copies[1].close();
  expect((await openTasks(path, "l")).size).toBe(150);
});
