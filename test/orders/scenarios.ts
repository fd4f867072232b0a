import { setTimeout as sleep } from "node:timers/promises";
import { CompositeTask, DataInterface } from "taskledger";
import { expect } from "vitest";
import { until } from "../support/until.js";
import { bookings, LISTS, nameOf, say, Town, type TownOptions } from "./town.js";

/*
 * What happens to a service beside its queue, on any store with claims.
 */

/** A worker dies in the midst of its work: what it had in hand is done by others once its leases have ended. */
export async function killWorker(options: TownOptions): Promise<void> {
  await using town = await Town.begin({ ...options, timing: { lease: 4_000, work: 50, ...options.timing } });
  const [victim] = await Promise.all([town.service.start("worker"), town.service.start("worker")]);
  await town.service.start("keeper");
  const tasks = await town.place(60);
  await until(() => town.world.deeds.length >= 40, "the first tasks");
  await victim.kill();
  const open = (await town.open(...LISTS)).length;
  await town.untilDone(...LISTS);
  await town.service.end();
  const judgement = town.judge(tasks);
  say("a worker is killed in the midst of its work", judgement, open);
  expect(judgement.lost).toEqual([]);
  for (const [first] of judgement.doubled) expect(first).toBe(victim.name);
}

/** A worker is stopped for longer than its lease, does not heed its signals, and wakes: what it writes then is refused. */
export async function stopWorker(options: TownOptions): Promise<void> {
  const timing = { lease: 3_000, olderThan: 500, work: 5_000, ...options.timing };
  await using town = await Town.begin({ ...options, timing });
  const sleeper = await town.service.start("worker", { isDeaf: true });
  const tasks = await town.place(1);
  // By its renewals it is known that it works, and does not only claim.
  const claimed = await untilClaimed(town, () => true);
  await untilClaimed(town, (end, i) => end > (claimed[i] as number));
  await stopBetweenWrites(
    town,
    () => sleeper.signal("SIGSTOP"),
    () => sleeper.signal("SIGCONT"),
  );
  expect(town.world.deeds).toEqual([]);
  await Promise.all([town.service.start("worker"), town.service.start("keeper")]);
  await town.untilDone(...LISTS);
  sleeper.signal("SIGCONT");
  await until(() => town.world.refused.length === tasks.length, "what the worker writes late");
  await town.service.end();
  const judgement = town.judge(tasks);
  say("a worker is stopped past its lease", judgement, tasks.length, `${tasks.length} late writes were refused`);
  expect(judgement).toMatchObject({ lost: [], doubled: [] });
  const tokens = new Map(town.world.deeds.map((deed) => [nameOf(deed), BigInt(deed.token)]));
  for (const late of town.world.refused) {
    expect(late.by).toBe(sleeper.name);
    expect(BigInt(late.token)).toBeLessThan(tokens.get(nameOf(late)) ?? 0n);
  }
}

/** Stops a process, but not while it holds the lock of an SQLite file, which all others would then wait for. */
async function stopBetweenWrites(town: Town, stop: () => void, goOn: () => void): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    stop();
    const [task] = bookings(1);
    const saving = town.tasks.save(task as NonNullable<typeof task>).then((saved) => town.tasks.complete(saved));
    if (await Promise.race([saving.then(() => true), sleep(1_000, false)])) return;
    goOn();
    await saving;
  }
}

/** Waits until the tasks of the first order are all claimed, and until their leases' ends are as they should be. */
async function untilClaimed(town: Town, isSo: (end: number, i: number) => boolean): Promise<number[]> {
  let ends: number[] = [];
  await until(async () => {
    const states = await Promise.all(LISTS.map((taskList) => town.tasks.claimState({ taskList, id: "order 0" })));
    ends = states.map((state) => state?.claimedUntil?.getTime() ?? 0);
    return ends.every((end, i) => end > 0 && isSo(end, i));
  }, "claims");
  return ends;
}

/** Nobody works for a while, so that all is redelivered, some of it twice, and recovered as well, when workers come. */
export async function growBacklog(options: TownOptions): Promise<void> {
  const timing = { olderThan: 300, interval: 700, ...options.timing };
  await using town = await Town.begin({ ...options, timing });
  const tasks = await town.place(60);
  const keeper = await town.service.start("keeper");
  await until(() => town.broker.waiting >= 3 * tasks.length, "the backlog to be redelivered twice");
  const copies = town.broker.waiting - tasks.length;
  await Promise.all([...["worker", "worker", "worker"].map(() => town.service.start("worker")), town.startRecovery()]);
  await town.untilDone(...LISTS);
  await until(() => town.broker.waiting === 0, "the queue to be empty");
  await keeper.end();
  await town.service.end();
  const judgement = town.judge(tasks);
  say("a backlog older than olderThan", judgement, tasks.length, `${copies} messages were redelivered`);
  expect(judgement).toMatchObject({ lost: [], doubled: [] });
}

/** A composite does a list that two processes recover. */
export async function compose(options: TownOptions): Promise<void> {
  await using town = await Town.begin({ ...options, timing: { olderThan: 0, ...options.timing } });
  const children = bookings(120);
  await town.tasks.saveAll(children);
  const nights = new DataInterface({ types: [CompositeTask], adapter: town.tasks.adapter });
  await nights.create(CompositeTask, { taskList: "nightly", id: "tonight", childTaskList: "bookings" });
  const [keeper] = await Promise.all([town.service.start("keeper"), town.startRecovery(), town.startRecovery()]);
  await town.untilDone("bookings", "nightly");
  await town.service.end();
  const judgement = town.judge(children);
  const composed = town.world.deeds.filter(({ by }) => by === keeper.name).length;
  say("recover and a composite on one list", judgement, children.length, `${composed} of them by the composite`);
  expect(judgement).toMatchObject({ lost: [], doubled: [] });
  expect(composed).toBeGreaterThan(0);
  expect(composed).toBeLessThan(children.length);
}
