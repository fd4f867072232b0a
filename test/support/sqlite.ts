import { createRequire } from "node:module";

/** Runs one statement on a file, like SQLite's own shell. */
export function runSql(path: string, statement: string, ...parameters: unknown[]): void {
  const { DatabaseSync } = createRequire(import.meta.url)("node:sqlite");
  const database = new DatabaseSync(path);
  try {
    database.prepare(statement).run(...parameters);
  } finally {
    database.close();
  }
}
