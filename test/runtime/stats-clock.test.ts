import { join } from "node:path";
import { type Adapter, DataInterface } from "taskledger";
import { type StoredTask, VersionClock } from "taskledger/adapter";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { standBefore } from "./stores.js";

const folder = temporaryFolder();
const HOUR = 3_600_000;
const LIST = "clock.example";
let cases = 0;

const stores: [string, (clock: VersionClock) => Adapter][] = [
  ["in memory", (clock) => new MemoryAdapter({ clock })],
  ["on SQLite", (clock) => new SqliteAdapter({ path: join(folder, `ledger-${cases++}.db`), clock })],
];

describe.each(stores)("%s, the age of the oldest task, once a clock that was an hour ahead is set back,", (_, open) => {
  let ahead: number;
  let tasks: DataInterface<typeof FetchFileTask>;
  beforeEach(() => {
    ahead = HOUR;
    tasks = new DataInterface({
      types: [FetchFileTask],
      adapter: open(new VersionClock(() => BigInt(Date.now() + ahead) * 1000n)),
    });
  });
  afterEach(() => tasks.close());

  const save = (id: string) => tasks.create(FetchFileTask, { taskList: LIST, id });
  async function ageOfOldest(): Promise<number> {
    const { oldest } = await tasks.stats(LIST);
    return Date.now() - (oldest?.getTime() ?? Number.NaN);
  }

  test("is the real one of what was saved since", async () => {
    const early = await save("early");
    ahead = 0;
    const before = Date.now();
    await save("late");
    await tasks.complete(early);
    const age = await ageOfOldest();
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThanOrEqual(Date.now() - before + 1);
  });

  test("is older than any other for what was saved before: it may be of any age, as for stale", async () => {
    await save("early");
    ahead = 0;
    await save("late");
    expect((await tasks.stats(LIST)).oldest).toEqual(new Date(0));
  });

  test("is never negative: clocks may differ by some milliseconds", async () => {
    ahead = 1_000;
    await save("a");
    ahead = 0;
    const age = await ageOfOldest();
    expect(age).toBeGreaterThanOrEqual(0);
    expect(age).toBeLessThan(60_000);
  });
});

test("a store that tells no times beside its versions has none of its tasks younger than it is", async () => {
  const now = BigInt(Date.now()) * 1000n;
  const ages = async (...versions: bigint[]) => {
    const page: StoredTask[] = versions.map((savedAt) => ({ id: `${savedAt}`, savedAt, body: new Uint8Array() }));
    const adapter = standBefore(new MemoryAdapter(), {
      async *all() {
        yield page;
      },
    });
    const { oldest } = await new DataInterface({ types: [FetchFileTask], adapter }).stats(LIST);
    return Number(now / 1000n) - (oldest?.getTime() ?? Number.NaN);
  };
  expect(await ages(now - 5_000_000n, now)).toBe(5_000);
  expect(await ages(now + 1_000_000n)).toBeLessThanOrEqual(0);
  expect(await ages(now - 5_000_000n, now + 3_600_000_000n)).toBe(Number(now / 1000n));
});
