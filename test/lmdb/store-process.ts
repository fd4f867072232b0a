import { existsSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { loadLmdb } from "../../src/adapters/lmdb/driver.js";
import { Gate } from "../../src/adapters/lmdb/gate.js";
import { LmdbAdapter } from "../../src/adapters/lmdb.js";
import { readStamp } from "../../src/envelope.js";
import { isTaskError, type TaskError } from "../../src/errors.js";
import { taskEntry } from "../../src/testing/entries.js";
import { Random } from "../../src/testing/random.js";
import { VersionClock } from "../../src/version.js";

/*
 * A process that uses a store as the lines of its input tell it to, and answers each with a line; see process.ts. It
 * writes what it says at once, so that nothing acknowledged stays unsaid if it is killed.
 */
const [path = "", clockAhead = "0", user] = process.argv.slice(2);
if (user) process.setuid?.(Number(user));
const clock = new VersionClock(() => BigInt(Date.now()) * 1000n + BigInt(clockAhead));
const adapter = new LmdbAdapter({ path, clock });

interface Task {
  readonly taskList: string;
  readonly id: string;
  readonly savedAt: string;
}

function say(line: unknown): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

async function save(taskList: string, ids: readonly string[], size?: number): Promise<Task[]> {
  const data = size === undefined ? {} : { data: new Uint8Array(size) };
  const outcomes = await adapter.save(ids.map((id) => taskEntry(taskList, id, data)));
  return outcomes.map((outcome, i) => {
    if (!outcome.ok) throw Object.assign(outcome.error, { attempted: outcome.attempted?.toString() });
    return { taskList, id: ids[i] as string, savedAt: String(outcome.value) };
  });
}

async function complete(tasks: readonly Task[]): Promise<void> {
  const entries = tasks.map((task) => ({ ...task, savedAt: BigInt(task.savedAt) }));
  for (const outcome of await adapter.complete(entries)) if (!outcome.ok) throw outcome.error;
}

async function list(taskList: string, pageSize = 50): Promise<Task[]> {
  const tasks: Task[] = [];
  for await (const page of adapter.all(taskList, { pageSize, maxPageBytes: 1024 * 1024 }))
    for (const bytes of page) {
      const { taskList, id, savedAt } = readStamp(bytes);
      tasks.push({ taskList, id, savedAt: String(savedAt) });
    }
  return tasks;
}

/** Saves, completes and lists at random, several calls at a time; gives what it has saved and what of it completed. */
async function storm(taskList: string, own: string, shared: string, seed: number, steps: number) {
  const random = new Random(seed);
  const saved: Task[] = [];
  const completed: Task[] = [];
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

/** Saves, and completes every third, until the process is killed; says each before and after. */
async function flood(taskList: string, prefix: string): Promise<void> {
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
}

/** Holds the store's lock, as a process does that is stopped while it writes. */
async function hold(milliseconds: number): Promise<void> {
  const { open } = await import("lmdb");
  const root = open({ path, noSubdir: false, overlappingSync: false });
  root.transactionSync(() => {
    say({ holding: true });
    sleepSync(milliseconds);
  });
  await root.close();
}

/** Opens the store and closes it again, over and over; gives how often. */
async function reopen(milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (; performance.now() < end; count++) {
    const each = new LmdbAdapter({ path });
    await each.open();
    await each.close();
  }
  return count;
}

/** The same within a gate that stays open: LMDB is opened some times as often. */
async function reopenWithin(milliseconds: number): Promise<number> {
  const lmdb = await loadLmdb();
  const gate = await Gate.open(lmdb, path);
  const end = performance.now() + milliseconds;
  let count = 0;
  for (; performance.now() < end; count++) {
    const root = await gate.alone(() => lmdb.openRoot(path));
    const leave = await gate.enter();
    await root.close().finally(leave);
    await sleep(1);
  }
  return count;
}

/** Stands within the gate, as one who opens the store, for a while. */
async function opening(milliseconds: number): Promise<void> {
  const gate = await Gate.open(await loadLmdb(), path);
  await gate.alone(() => {
    say({ opening: true });
    sleepSync(milliseconds);
  });
}

/** Stands within the gate, as one who writes, for a while. */
async function writing(milliseconds: number): Promise<void> {
  const gate = await Gate.open(await loadLmdb(), path);
  const leave = await gate.enter();
  say({ writing: true });
  await sleep(milliseconds);
  leave();
}

/** Saves, and from so many turns of the event loop on lets no event through, until there is a file of that name. */
async function stall(taskList: string, turns: number, release: string): Promise<Task[]> {
  const saving = save(taskList, ["stalled"]);
  for (let turn = 0; turn < turns; turn++) await setImmediate();
  say({ stalling: true });
  while (!existsSync(release)) sleepSync(10);
  return saving;
}

/** Leaves with saves under way. */
async function exit(taskList: string, milliseconds: number): Promise<void> {
  const lane = async () => {
    for (let i = 0; ; i++) say({ saved: (await save(taskList, [`${i % 50}`], 3000))[0] });
  };
  await save(taskList, ["first"]);
  for (let i = 0; i < 20; i++) lane();
  await sleep(milliseconds);
  process.exit(0);
}

function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const commands = {
  open: () => adapter.open(),
  close: () => adapter.close(),
  save,
  complete,
  list,
  storm,
  flood,
  hold,
  stall,
  exit,
  reopen,
  reopenWithin,
  opening,
  writing,
} as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...given] = JSON.parse(line) as [string, ...unknown[]];
  try {
    say({ answer: (await commands[command]?.(...given)) ?? null });
  } catch (error) {
    if (!isTaskError(error)) throw error;
    const { code, outcome, message, cause, attempted } = error as TaskError & { readonly attempted?: string };
    say({ error: { code, outcome, message, cause: String(cause), attempted } });
  }
}
