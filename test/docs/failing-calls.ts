import { join } from "node:path";
import {
  type Adapter,
  CompositeTask,
  configure,
  DataInterface,
  decodeFrames,
  encodeFrames,
  fromBatch,
  perform,
  Task,
  type TaskErrorCode,
} from "taskledger";
import { VersionClock } from "taskledger/adapter";
import { MemoryAdapter } from "taskledger/memory";
import { SqliteAdapter } from "taskledger/sqlite";
import { openStore } from "taskledger/store";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { InFlightLimit } from "../../src/adapters/cassandra/batching/in-flight-limit.js";
import { importDriver } from "../../src/core/import-driver.js";
import { KeyedTask, NamesakeTask } from "../runtime/kinds.js";
import { standBefore } from "../runtime/stores.js";
import { temporaryFolder } from "../support/folders.js";
import { runSql } from "../support/sqlite.js";

const folder = temporaryFolder();
const key = { taskList: "l", id: "a" };
const context = { signal: new AbortController().signal };
const build = () => FetchFileTask.build(key);
const open = (adapter: Adapter = new MemoryAdapter()) =>
  new DataInterface({ types: [FetchFileTask, CompositeTask], adapter });

/** For each code, a call that fails with it. */
export const failingCalls: Readonly<Record<TaskErrorCode, () => unknown>> = {
  INVALID_KEY: () => FetchFileTask.build({ taskList: "" }),
  KEY_CONFLICT: () => new KeyedTask({ taskList: "l", id: "a", data: { id: "b" } }),
  AMBIGUOUS_BUILD: () => NamesakeTask.build({ taskList: "l" } as never),
  UNKNOWN_FIELD: () => FetchFileTask.build({ ...key, fileName: "x" } as never),
  INVALID_DATA: () => FetchFileTask.build({ ...key, filename: 1 } as never),
  INVALID_ARGUMENT: () => open().stale("l", { olderThan: -1 }),
  TOO_LARGE: () => FetchFileTask.build({ ...key, filename: "x".repeat(2 ** 20) }).toBinary(),
  INVALID_URL: () => openStore("postgres://host"),
  INVALID_ENVELOPE: () => FetchFileTask.fromBinary(Uint8Array.of(255)),
  INVALID_HASH: () => FetchFileTask.fromHash({}),
  INVALID_BATCH: () => fromBatch(Uint8Array.of(255), { types: [FetchFileTask] }),
  TRUNCATED: async () => {
    for await (const bytes of encodeFrames([build()]))
      for await (const _ of decodeFrames([bytes.subarray(0, -1)], { types: [FetchFileTask] }));
  },
  UNKNOWN_TYPE: () => open().save(SendMailTask.build(key) as never),
  TYPE_MISMATCH: () => FetchFileTask.fromBinary(SendMailTask.build(key).toBinary()),
  NOT_CONFIGURED: () => Task.find("l", "a"),
  ALREADY_CONFIGURED: async () => {
    const first = configure({ types: [], adapter: new MemoryAdapter() });
    try {
      configure({ types: [], adapter: new MemoryAdapter() });
    } finally {
      await first.close();
    }
  },
  DUPLICATE_TYPE: () =>
    new DataInterface({
      types: [FetchFileTask, class extends FetchFileTask {}, class extends FetchFileTask {}],
      adapter: new MemoryAdapter(),
    }),
  SCHEMA_MISMATCH: () => {
    const path = join(folder, "another-program.db");
    runSql(path, "CREATE TABLE another_programs (x)");
    return new SqliteAdapter({ path }).open();
  },
  MISSING_DRIVER: () => importDriver("no-such-driver", () => import(/* @vite-ignore */ "no-such-driver" as string)),
  NOT_SAVED: () => open().complete(build()),
  NOT_IMPLEMENTED: () => build().execute(context as never),
  CLOSED: async () => {
    const tasks = open();
    await tasks.close();
    await tasks.find("l", "a");
  },
  CLAIM_LOST: async () => {
    const tasks = open();
    const claim = await tasks.claim(await tasks.create(FetchFileTask, key));
    await claim?.release();
    await claim?.renew();
  },
  UNSUPPORTED: () => (Task as unknown as typeof FetchFileTask).build(key),
  UNAVAILABLE: () =>
    open(standBefore(new MemoryAdapter(), { find: () => Promise.reject(new Error("no answer")) })).find("l", "a"),
  TIMEOUT: async () => {
    const tasks = open();
    const task = await tasks.create(FetchFileTask, key);
    const result = await perform(tasks, task, () => new Promise(() => {}), { timeout: 1, lease: 50 });
    throw (result as { readonly error?: unknown }).error;
  },
  OVERLOADED: async () => {
    const inFlight = new InFlightLimit({ maxOperations: 1, maxBytes: 1, whenFull: "fail" });
    await inFlight.enter(1, undefined);
    await inFlight.enter(1, undefined);
  },
  CLOCK_SKEW: () => new VersionClock(() => 253_402_300_800_000_000n).next(),
  ABORTED: () => open().find("l", "a", { signal: AbortSignal.abort() }),
  BULK_FAILED: () => open().saveAll([SendMailTask.build(key)] as never),
  COMPOSITE_INCOMPLETE: async () => {
    const tasks = open();
    await tasks.create(FetchFileTask, key);
    const composite = await tasks.create(CompositeTask, { taskList: "top", childTaskList: "l" });
    await composite.execute(context as never);
  },
};
