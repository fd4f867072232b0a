import { setTimeout as sleep } from "node:timers/promises";
import { open } from "lmdb";
import { expect, it, vi } from "vitest";
import type { Lmdb } from "../../src/adapters/lmdb/driver.js";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { temporaryFolder } from "./folders.js";

const closed: string[] = [];

vi.mock("../../src/adapters/lmdb/driver.js", async (original) => {
  const driver = await original<typeof import("../../src/adapters/lmdb/driver.js")>();
  return { ...driver, loadLmdb: async () => slowToClose(await driver.loadLmdb()) };
});

/** As where something is still being read, or written. */
function slowToClose({ openRoot, openGate }: Lmdb): Lmdb {
  const noting =
    <T extends { close(): Promise<void> }>(name: string, delay: number, opening: (path: string) => T) =>
    (path: string) => {
      const root = opening(path);
      const close = root.close.bind(root);
      return Object.assign(root, {
        async close() {
          await sleep(delay);
          await close();
          closed.push(name);
        },
      });
    };
  return { openRoot: noting("store", 200, openRoot), openGate: noting("gate", 0, openGate) };
}

it("a store that is refused is closed by then, and before its gate", async () => {
  const path = temporaryFolder();
  const other = open({ path, noSubdir: false, encoding: "binary", keyEncoding: "binary" });
  await other.put(Buffer.from("something"), Buffer.from("else"));
  await other.close();
  await expect(new LmdbAdapter({ path }).open()).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
  expect(closed).toEqual(["store", "gate"]);
});
