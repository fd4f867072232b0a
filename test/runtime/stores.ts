import type { Adapter } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";

/** An adapter that does some things in another way than the one it stands before. */
export function standBefore(inner: Adapter, changes: Partial<Adapter>): Adapter {
  return {
    open: (options) => inner.open(options),
    save: (entries, options) => inner.save(entries, options),
    find: (keys, options) => inner.find(keys, options),
    all: (taskList, options) => inner.all(taskList, options),
    complete: (entries, options) => inner.complete(entries, options),
    close: () => inner.close(),
    ...changes,
  };
}

/** A store in memory, with the calls that it got: `save 2` for one of two entries. */
export function recordingStore(changes: Partial<Adapter> = {}): Adapter & { readonly calls: string[] } {
  const calls: string[] = [];
  const inner = standBefore(new MemoryAdapter(), changes);
  const recorded = standBefore(inner, {
    save(entries, options) {
      calls.push(`save ${entries.length}`);
      return inner.save(entries, options);
    },
    find(keys, options) {
      calls.push(`find ${keys.length}`);
      return inner.find(keys, options);
    },
    all(taskList, options) {
      calls.push(`all ${taskList}`);
      return inner.all(taskList, options);
    },
    complete(entries, options) {
      calls.push(`complete ${entries.length}`);
      return inner.complete(entries, options);
    },
    close() {
      calls.push("close");
      return inner.close();
    },
  });
  return Object.assign(recorded, { calls });
}

/** What a store holds of a list, byte for byte, oldest first. */
export async function contentOf(adapter: Adapter, taskList: string): Promise<string[]> {
  const content: string[] = [];
  for await (const page of adapter.all(taskList, { pageSize: 100, maxPageBytes: Number.POSITIVE_INFINITY }))
    content.push(...page.map(({ savedAt, body }) => `${savedAt} ${Buffer.from(body).toString("base64")}`));
  return content;
}

/** The ids of the tasks of a source, in its order. */
export async function idsOf(tasks: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of tasks) ids.push(id);
  return ids;
}
