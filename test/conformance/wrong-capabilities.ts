import type { SaveEntry } from "../../src/adapter/index.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import type { OperationOptions, Version } from "../../src/index.js";

type Versions = Promise<readonly Version[]>;
type Names = AsyncGenerator<readonly string[], void, undefined>;

/** Saves the entries of saveTogether one by one. */
export class SavesOneByOne extends MemoryAdapter {
  override async saveTogether(entries: readonly SaveEntry[], options?: OperationOptions): Versions {
    const versions: Version[] = [];
    for (const entry of entries) {
      const [outcome] = await this.save([entry], options);
      if (!outcome?.ok) throw outcome?.error;
      versions.push(outcome.value);
    }
    return versions;
  }
}

/** Saves in the reverse order. */
export class SavesBackwards extends MemoryAdapter {
  override async saveTogether(entries: readonly SaveEntry[], options?: OperationOptions): Versions {
    return [...(await super.saveTogether([...entries].reverse(), options))].reverse();
  }
}

/** Returns no version for the last entry. */
export class ForgetsAVersion extends MemoryAdapter {
  override async saveTogether(entries: readonly SaveEntry[], options?: OperationOptions): Versions {
    return (await super.saveTogether(entries, options)).slice(0, -1);
  }
}

/** Saves even if it was aborted before the call. */
export class SavesTheAborted extends MemoryAdapter {
  override async saveTogether(entries: readonly SaveEntry[]): Versions {
    return super.saveTogether(entries);
  }
}

/** Names a list once for each of its tasks. */
export class RepeatsLists extends MemoryAdapter {
  override async *lists(options?: OperationOptions): Names {
    for await (const page of super.lists(options)) yield page.flatMap((name) => [name, name]);
  }
}

/** Names at most a hundred lists. */
export class NamesAHundred extends MemoryAdapter {
  override async *lists(options?: OperationOptions): Names {
    for await (const page of super.lists(options)) yield page.slice(0, 100);
  }
}

/** Normalizes names. */
export class FoldsNames extends MemoryAdapter {
  override async *lists(options?: OperationOptions): Names {
    for await (const page of super.lists(options)) yield page.map((name) => name.normalize().toLowerCase());
  }
}

/** Ignores signals. */
export class NamesTheAborted extends MemoryAdapter {
  override async *lists(): Names {
    yield* super.lists();
  }
}

/** Leaves a list out once one of its tasks is completed. */
export class ForgetsLists extends MemoryAdapter {
  readonly #forgotten = new Set<string>();

  override async complete(...call: Parameters<MemoryAdapter["complete"]>): ReturnType<MemoryAdapter["complete"]> {
    for (const { taskList } of call[0]) this.#forgotten.add(taskList);
    return super.complete(...call);
  }

  override async *lists(options?: OperationOptions): Names {
    for await (const page of super.lists(options)) {
      const names = page.filter((name) => !this.#forgotten.has(name));
      if (names.length > 0) yield names;
    }
  }
}
