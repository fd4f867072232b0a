import type { AllOptions, StoredTask } from "../../src/adapter/index.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { MAX_VERSION } from "../../src/core/version.js";

type Pages = AsyncGenerator<readonly StoredTask[], void, undefined>;

const unlimited = { pageSize: Infinity, maxPageBytes: Infinity };

async function collect(pages: Pages): Promise<StoredTask[]> {
  const all: StoredTask[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

function* slice(all: readonly StoredTask[], pageSize: number): Generator<readonly StoredTask[], void, undefined> {
  for (let start = 0; start < all.length; start += pageSize) yield all.slice(start, start + pageSize);
}

/** Lists tasks in the order of their ids. */
export class OrdersByIds extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    const all = await collect(super.all(taskList, { ...options, ...unlimited }));
    const byId = all.sort((a, b) => (a.id < b.id ? -1 : 1));
    yield* slice(byId, options.pageSize);
  }
}

/** Begins each page with the last task of the page before. */
export class RepeatsAtPageBoundaries extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    const pageSize = Math.max(1, options.pageSize - 1);
    let last: readonly StoredTask[] = [];
    for await (const page of super.all(taskList, { ...options, pageSize })) {
      yield [...last, ...page];
      if (options.pageSize > 1) last = page.slice(-1);
    }
  }
}

/** Loses the first task of each page but the first page. */
export class LosesAtPageBoundaries extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    let isFirst = true;
    for await (const page of super.all(taskList, options)) {
      if (isFirst) yield page;
      else if (page.length > 1) yield page.slice(1);
      isFirst = false;
    }
  }
}

/** Stops after ten thousand rows, less one. */
export class StopsAtALimit extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    yield* slice((await collect(super.all(taskList, { ...options, ...unlimited }))).slice(0, 9999), options.pageSize);
  }
}

/** Reads when `all` is called, before the first pull. */
export class ReadsBeforeTheFirstPull extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    const all = collect(super.all(taskList, { ...options, ...unlimited }));
    return (async function* () {
      yield* slice(await all, options.pageSize);
    })();
  }
}

/** Reads the whole list at the first pull. */
export class ReadsEverythingAtOnce extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    yield* slice(await collect(super.all(taskList, { ...options, ...unlimited })), options.pageSize);
  }
}

/** Continues at an offset: the number of tasks that it has returned. */
export class PagesByOffset extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    for (let offset = 0; ; offset += options.pageSize) {
      const all = await collect(super.all(taskList, { ...options, ...unlimited }));
      if (offset >= all.length) return;
      yield all.slice(offset, offset + options.pageSize);
    }
  }
}

/** Lists tasks that were saved after the last page, until there are none. */
export class FollowsTheList extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    let last = 0n;
    for (;;) {
      const all = await collect(super.all(taskList, { ...options, ...unlimited }));
      const page = all.filter(({ savedAt }) => savedAt > last).slice(0, options.pageSize);
      const end = page.at(-1);
      if (end === undefined) return;
      last = end.savedAt;
      yield page;
    }
  }
}

export class IgnoresSavedBefore extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    return super.all(taskList, { ...options, savedBefore: undefined });
  }
}

export class IncludesSavedBefore extends MemoryAdapter {
  override all(taskList: string, { savedBefore = MAX_VERSION, ...options }: AllOptions): Pages {
    return super.all(taskList, { ...options, savedBefore: savedBefore + 1n });
  }
}

export class IgnoresAfter extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    return super.all(taskList, { ...options, after: undefined });
  }
}

export class IncludesAfter extends MemoryAdapter {
  override all(taskList: string, { after = 1n, ...options }: AllOptions): Pages {
    return super.all(taskList, { ...options, after: after - 1n });
  }
}

/** Treats a task with a version far in the future as young. */
export class TrustsWildClocks extends MemoryAdapter {
  override async *all(taskList: string, { savedBefore, ...options }: AllOptions): Pages {
    const all = await collect(super.all(taskList, { ...options, ...unlimited }));
    const old = all.filter(({ savedAt }) => savedBefore === undefined || savedAt < savedBefore);
    yield* slice(old, options.pageSize);
  }
}

/** Returns bodies even if none are wanted. */
export class GivesBodiesAlways extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    return super.all(taskList, { ...options, withoutBodies: false });
  }
}

export class IgnoresPageSize extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    return super.all(taskList, { ...options, pageSize: options.pageSize + 1 });
  }
}

export class IgnoresMaxPageBytes extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    return super.all(taskList, { ...options, maxPageBytes: Infinity });
  }
}

/** Returns an empty page if a whole page of tasks has been completed, as some stores do. */
export class GivesEmptyPages extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    yield* super.all(taskList, options);
    yield [];
  }
}

/** Continues after `return()`. */
export class GoesOnAfterReturn extends MemoryAdapter {
  override all(taskList: string, options: AllOptions): Pages {
    const pages = super.all(taskList, options);
    const next = pages.next.bind(pages);
    return {
      ...pages,
      next,
      return: () => Promise.resolve({ done: true }),
      [Symbol.asyncIterator]: () => ({ next }),
    } as never;
  }
}

/** Ends a listing at close as if the list had ended. */
export class EndsQuietlyAtClose extends MemoryAdapter {
  #isClosed = false;

  override async *all(taskList: string, options: AllOptions): Pages {
    for await (const page of super.all(taskList, options)) {
      yield page;
      if (this.#isClosed) return;
    }
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    await super.close();
  }
}

/** Returns a wrong time of the save. */
export class TellsAWrongTime extends MemoryAdapter {
  override async *all(taskList: string, options: AllOptions): Pages {
    for await (const page of super.all(taskList, options)) yield page.map((task) => ({ ...task, savedTime: 1n }));
  }
}
