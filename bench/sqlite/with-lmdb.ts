import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { DataInterface } from "taskledger";
import type { Adapter } from "taskledger/adapter";
import type { Context } from "../benchmark.js";
import { failedRow, type Goal, type Row, toRow } from "../row.js";
import type { FetchFileTask } from "../tasks.js";
import { disposal, makeFolder, type Store } from "./store.js";

// LMDB was the embedded store before SQLite. The last version with it is compared as a whole, with its own tasks:
//
//     mkdir FOLDER && git archive 4664625 | tar x -C FOLDER && (cd FOLDER && npm ci && npm run build)
//     npm run bench -- sqlite --with-lmdb FOLDER

const ENTRY = `
  export { DataInterface } from "taskledger";
  export { LmdbAdapter } from "taskledger/lmdb";
  export { buildTask, buildTasks, FetchFileTask } from "./bench/tasks.js";
`;

/** The part of that version that the benchmarks use; it is the same in this version. */
interface OldVersion extends Pick<Store, "buildTask" | "buildTasks"> {
  readonly DataInterface: typeof DataInterface;
  readonly LmdbAdapter: new (options: { path: string }) => Adapter;
  readonly FetchFileTask: typeof FetchFileTask;
}

/** A new store in LMDB; undefined without the option --with-lmdb. */
export async function openWithLmdb({ withLmdb }: Context): Promise<Store | undefined> {
  if (withLmdb === undefined) return undefined;
  const { DataInterface, LmdbAdapter, FetchFileTask, ...builders } = await load(resolve(withLmdb));
  const folder = await makeFolder();
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new LmdbAdapter({ path: folder }) });
  return { tasks, folder, ...builders, ...disposal(tasks, folder) };
}

/** A row of SQLite's figures, compared with LMDB's of the same rounds, or the reason why there are none. */
export function againstLmdb(name: string, values: readonly number[], lmdb: readonly number[] = [], goal?: Goal): Row {
  const row = { name: `${name}: against LMDB`, unit: "tasks/s" };
  if (lmdb.length === 0) return failedRow(row.name, row.unit, "left out: it needs --with-lmdb FOLDER");
  return toRow({ ...row, values, baselines: lmdb, ...(goal && { goal }) });
}

/** Bundled like this version (see bundle.ts), so that neither has an advantage. */
async function load(folder: string): Promise<OldVersion> {
  const outfile = join(folder, ".cache/bench/with-lmdb.mjs");
  await build({
    absWorkingDir: folder,
    stdin: { contents: ENTRY, resolveDir: folder },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
  return await import(pathToFileURL(outfile).href);
}
