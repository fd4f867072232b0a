import { expect } from "vitest";
import { type Database, openDatabase } from "../../src/adapters/sqlite/driver.js";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import type { Said, SavedTask } from "./process.js";

/** What a store must hold, by what processes have said of it. */
export class Judge {
  readonly saved = new Map<string, SavedTask>();
  readonly #completing = new Set<string>();
  readonly #completed = new Set<string>();

  hear(said: Iterable<Said>): void {
    for (const { saved, completing, completed } of said) {
      if (saved) this.saved.set(saved.id, saved);
      if (completing) this.#completing.add(completing);
      if (completed) this.#completed.add(completed);
    }
  }

  /** Every acknowledged save is there, unless somebody has begun to complete it; nothing that was completed is. */
  async expectHeld(path: string, taskList: string): Promise<void> {
    const open = await openTasks(path, taskList);
    const missing = [...this.saved.values()].filter(({ id, savedAt }) => {
      return !this.#completing.has(id) && open.get(id) !== savedAt;
    });
    expect(missing, "acknowledged, and not there").toEqual([]);
    expect(
      [...this.#completed].filter((id) => open.has(id)),
      "completed, and back",
    ).toEqual([]);
    expectIntact(path);
  }
}

/** The versions of a list's open tasks, by their ids. */
export async function openTasks(path: string, taskList: string): Promise<Map<string, string>> {
  const adapter = new SqliteAdapter({ path });
  const open = new Map<string, string>();
  for await (const page of adapter.all(taskList, { pageSize: 1000, maxPageBytes: 1e7 }))
    for (const { id, savedAt } of page) open.set(id, String(savedAt));
  await adapter.close();
  return open;
}

/** The file as SQLite shows it. */
export function rawDatabase(path: string): Database {
  return openDatabase({ name: "node:sqlite", module: "node:sqlite" }, path, false);
}

/** SQLite finds nothing wrong with the file. */
export function expectIntact(path: string): void {
  const database = rawDatabase(path);
  expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  database.close();
}
