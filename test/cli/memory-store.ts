import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { bundle } from "../support/bundle.js";

/** A folder with a config file. */
export function configured(folder: string, name: string, text: string): string {
  const cwd = join(folder, name);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, "taskledger.config.mjs"), text);
  return cwd;
}

export interface MemoryStoreOptions {
  /** Descriptor sets. */
  readonly types: readonly string[];
  /** The tasks that it holds, all of the list `l`. */
  readonly ids?: readonly string[];
  /** Who has claimed the first of them. */
  readonly owner?: string;
  /** Code that makes the store do something otherwise. */
  readonly change?: string;
}

/** A folder whose config file makes a store in memory: each process that runs in it has one of its own. */
export async function memoryStore(
  folder: string,
  name: string,
  { types, ids = ["a"], owner, change = "" }: MemoryStoreOptions,
): Promise<string> {
  const adapter = await bundle("src/adapters/memory/index.ts");
  const entries = ids.map((id) => {
    const body = [...FetchFileTask.build({ taskList: "l", id }).toBinary()];
    return { taskList: "l", id, type: FetchFileTask.type, replaces: [], body };
  });
  return configured(
    folder,
    name,
    `import { MemoryAdapter } from ${JSON.stringify(adapter)};
const adapter = new MemoryAdapter();
const entries = ${JSON.stringify(entries)}.map((entry) => ({ ...entry, body: new Uint8Array(entry.body) }));
const [{ value: savedAt }] = await adapter.save(entries);
const owner = ${JSON.stringify(owner ?? null)};
if (owner) await adapter.claims.claim({ taskList: "l", id: entries[0].id, savedAt, owner, lease: 3600000 });
${change}
export default { store: () => adapter, types: ${JSON.stringify(types)} };`,
  );
}
