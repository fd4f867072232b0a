import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { isTaskError, type TaskError } from "../../src/core/errors.js";
import { taskEntry } from "../../src/testing/entries.js";
import { Random } from "../../src/testing/random.js";

/*
 * A process that uses a store as the lines of its input tell it to, and answers each with a line; see process.ts. It
 * writes what it says at once, so that nothing acknowledged stays unsaid if it is killed.
 */
const [path = "", deadline = "10000"] = process.argv.slice(2);
const adapter = new SqliteAdapter({ path, deadline: Number(deadline) });

export interface SavedTask {
  readonly taskList: string;
  readonly id: string;
  readonly savedAt: string;
}

/** Before anything else happens, which may be the process's end. A reader that is behind is waited for. */
function say(line: unknown): void {
  for (;;)
    try {
      writeSync(1, `${JSON.stringify(line)}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
}

async function save(taskList: string, ids: readonly string[], size?: number): Promise<SavedTask[]> {
  const data = size === undefined ? {} : { data: new Uint8Array(size) };
  const outcomes = await adapter.save(ids.map((id) => taskEntry(taskList, id, data)));
  return outcomes.map((outcome, i) => {
    if (!outcome.ok) throw Object.assign(outcome.error, { attempted: outcome.attempted?.toString() });
    return { taskList, id: ids[i] as string, savedAt: String(outcome.value) };
  });
}

async function complete(tasks: readonly SavedTask[]): Promise<void> {
  const entries = tasks.map((task) => ({ ...task, savedAt: BigInt(task.savedAt) }));
  for (const outcome of await adapter.complete(entries)) if (!outcome.ok) throw outcome.error;
}

async function claim(task: SavedTask): Promise<boolean> {
  const state = await adapter.claims.claim({ ...task, savedAt: BigInt(task.savedAt), owner: "me", lease: 60_000 });
  return state !== undefined;
}

async function list(taskList: string): Promise<SavedTask[]> {
  const tasks: SavedTask[] = [];
  for await (const page of adapter.all(taskList, { pageSize: 50, maxPageBytes: 1024 * 1024 }))
    tasks.push(...page.map(({ id, savedAt }) => ({ taskList, id, savedAt: String(savedAt) })));
  return tasks;
}

/** Saves, completes and lists at random, several calls at a time; gives what it has saved and what of it completed. */
async function storm(taskList: string, own: string, shared: string, seed: number, steps: number) {
  const random = new Random(seed);
  const saved: SavedTask[] = [];
  const completed: SavedTask[] = [];
  const saveAndPerhapsComplete = async (...ids: string[]) => {
    const tasks = await save(taskList, ids);
    saved.push(...tasks);
    const done = tasks.filter(() => random.below(2));
    await complete(done);
    completed.push(...done);
  };
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let i = 0; i < steps; i++) {
        await saveAndPerhapsComplete(`${own}${lane}-${random.below(10)}`, `${shared}${random.below(5)}`);
        if (random.below(20) === 0) await list(taskList);
      }
    }),
  );
  return { saved, completed };
}

/**
 * Saves, and completes every third, until the process ends; says each before and after. Of two floods in one list each
 * needs a prefix of its own: a save that nobody heard of would bring back what the other has completed.
 */
async function flood(taskList: string, prefix: string): Promise<never> {
  let serial = 0;
  const lane = async () => {
    for (;;) {
      const id = `${prefix}-${serial++}`;
      const tasks = await save(taskList, [id], (serial * 7919) % 6000);
      say({ saved: tasks[0] });
      if (serial % 3) continue;
      say({ completing: id });
      await complete(tasks);
      say({ completed: id });
    }
  };
  await Promise.all(Array.from({ length: 20 }, lane));
  throw new Error("it never ends");
}

/** Ends in one of several ways after so long, with saves under way. */
async function end(how: string, taskList: string, milliseconds: number): Promise<void> {
  await adapter.open();
  void flood(taskList, `${how}${milliseconds}`).catch(() => undefined);
  await sleep(milliseconds);
  if (how === "exit") process.exit(0);
  if (how === "SIGTERM") process.kill(process.pid, "SIGTERM");
  if (how === "exception") setTimeout(() => Promise.reject(new Error("nobody catches it")));
  await sleep(10_000);
}

/** Floods the store from a worker thread, and terminates that in the midst. */
async function terminate(taskList: string, milliseconds: number): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), {
    argv: [path],
    workerData: { flood: taskList, prefix: `terminate${milliseconds}` },
  });
  await sleep(milliseconds);
  worker.on("error", () => undefined); // its calls may fail as it ends
  await worker.terminate();
}

/** Holds the file's lock, as a process does that is stopped while it writes. */
async function hold(milliseconds: number): Promise<void> {
  const { DatabaseSync } = createRequire(import.meta.url)("node:sqlite");
  const database = new DatabaseSync(path);
  database.exec("BEGIN IMMEDIATE");
  say({ holding: true });
  await sleep(milliseconds);
  database.exec("COMMIT");
  database.close();
}

/** Opens the file and closes it again, so often. */
async function reopen(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const each = new SqliteAdapter({ path });
    await each.open();
    await each.close();
  }
}

const commands = {
  ...{ open: () => adapter.open(), close: () => adapter.close() },
  ...{ save, complete, claim, list, storm, flood, end, terminate, hold, reopen },
} as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;

const { workerData } = await import("node:worker_threads");
if (workerData?.flood) await flood(workerData.flood, workerData.prefix);

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...given] = JSON.parse(line) as [string, ...unknown[]];
  try {
    say({ answer: (await commands[command]?.(...given)) ?? null });
  } catch (error) {
    if (!isTaskError(error)) throw error;
    const { code, outcome, message, attempted } = error as TaskError & { readonly attempted?: string };
    say({ error: { code, outcome, message, attempted } });
  }
}
