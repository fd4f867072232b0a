import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../src/testing/random.js";
import { SmallDisk, whyNoDisks } from "./disks.js";
import { StoreProcess, type Task } from "./process.js";

const reason = whyNoDisks();

/** Every store is opened by another process, since LMDB's way to fail here is a signal. */
describe.skipIf(reason)(`a small disk${reason ? ` (skipped: ${reason})` : ""}`, { timeout: 120_000 }, () => {
  let disk: SmallDisk;
  let path: string;
  let user: StoreProcess;
  const list = "small.example";

  beforeEach(() => {
    disk = new SmallDisk("2m");
    path = join(disk.path, "store");
    user = new StoreProcess(path);
  });

  afterEach(async () => {
    await user.kill();
    disk.remove();
  });

  /** Saves tasks of some size until one fails; gives those that did not. */
  async function saveUntilFull(size: number): Promise<Task[]> {
    const saved: Task[] = [];
    for (;;) {
      user.tell("save", list, [`${size}-${saved.length}`], size);
      const { answer, error } = (await user.hear()) ?? {};
      if (error) {
        expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
        expect(error.message).toContain(path);
        expect(error.message).toContain("free some space");
        expect(error.cause).toMatch(/ENOSPC|EIO|No space/);
        return saved;
      }
      saved.push(...(answer as Task[]));
    }
  }

  it("refuses, as not applied, what does not fit, keeps what did, and takes more when some is completed", async () => {
    const saved = await saveUntilFull(20_000);
    expect(saved.length).toBeGreaterThan(30);
    await saveUntilFull(1000);
    const open = await user.ask<Task[]>("list", list);
    expect(open).toEqual(expect.arrayContaining(saved));

    await user.ask("complete", saved.slice(0, 10));
    const after = await user.ask<Task[]>("list", list);
    expect(after).toEqual(open.filter(({ id }) => !saved.slice(0, 10).some((task) => task.id === id)));
    await user.ask("save", list, ["again"], 20_000);
    expect(await user.end()).toBe(0);
    expect(await new StoreProcess(path).ask<Task[]>("list", list)).toHaveLength(after.length + 1);
  });

  it("fails each entry of a call for itself, and other calls not at all", async () => {
    const [task] = (await user.ask<Task[]>("save", list, ["small"], 100)) as [Task];
    user.tell("save", list, ["too large"], 3_000_000);
    user.tell("complete", [task]);
    user.tell("save", list, ["small again"], 100);
    expect((await user.hear())?.error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect((await user.hear())?.answer).toBeNull();
    expect((await user.hear())?.answer).toMatchObject([{ id: "small again" }]);
  });

  it("makes a save fail, but neither ends the process nor has anything printed but LMDB's own line", async () => {
    await user.ask("open");
    disk.fill();
    await saveUntilFull(20_000);
    await saveUntilFull(300);
    disk.free();
    await user.ask("save", list, ["after that"], 20_000);
    await user.ask("close");
    expect(await user.end()).toBe(0);
    expect(user.errors.replace(/Write error: No space left on device position \d+, size \d+/g, "")).toBe("");
  });

  it("is not found full by LMDB itself, whose driver may abort the process then, whatever is saved and completed", async () => {
    const random = new Random(1);
    let open: Task[] = [];
    let refusals = 0;
    for (let i = 0; i < 300; i++) {
      const ids = Array.from({ length: 1 + random.below(5) }, (_, j) => `${i}-${j}`);
      const size = [100, 1500, 5000, 20_000, 200_000][random.below(5)];
      if (random.below(10) < 6) user.tell("save", list, ids, size);
      else user.tell("complete", open.splice(random.below(open.length + 1), 1 + random.below(5)));
      const { answer, error } = (await user.hear()) ?? {};
      if (error) {
        refusals++;
        open = await user.ask<Task[]>("list", list); // of a call that fails, some may be saved
      } else open.push(...((answer ?? []) as Task[]));
    }
    expect(refusals).toBeGreaterThan(10);
    expect(await user.ask("list", list)).toHaveLength(open.length);
    expect(await user.end()).toBe(0);
    expect(user.errors).toBe("");
  });

  it("is not found full by LMDB itself either when more is completed at once than it can take, and all of it is", async () => {
    const random = new Random(1);
    const saved: Task[] = [];
    for (let i = 0; ; i++) {
      const ids = Array.from({ length: 200 }, (_, j) => `${random.below(1e9)}-${i}-${j}`);
      user.tell("save", list, ids, 100);
      const { answer, error } = (await user.hear()) ?? {};
      if (error) break;
      saved.push(...(answer as Task[]));
    }
    expect(saved.length).toBeGreaterThan(1000);
    await user.ask("complete", saved.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, 1000));
    expect(await user.end()).toBe(0);
    expect(user.errors).toBe("");
  });

  it.each([0, 4, 64, 68, 72, 80, 128])("can't take a new store with %i KiB of room, and says so", async (room) => {
    disk.fill(room * 1024);
    const error = await user.refusal("open");
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(error.message).toContain(`${path}: the disk is full`);
    disk.free();
    await user.ask("open");
  });

  it("can't open a store whose lock file is gone when it is full, and says so", async () => {
    const saved = await user.ask<Task[]>("save", list, ["a"]);
    await user.end();
    rmSync(join(path, "lock.mdb"));
    disk.fill();
    user = new StoreProcess(path);
    expect((await user.refusal("open")).message).toContain("the disk is full");
    disk.free();
    expect(await user.ask("list", list)).toEqual(saved);
  });

  it("opens a store when it is full, and lists and completes what is there", async () => {
    // LMDB writes to pages that are free, which a store has as soon as it has been used a little.
    for (let i = 0; i < 5; i++) await user.ask("complete", await user.ask("save", list, ["before"]));
    const saved = await user.ask<Task[]>("save", list, ["a", "b", "c"]);
    await user.end();
    disk.fill();
    user = new StoreProcess(path);
    expect(await user.ask("list", list)).toEqual(saved);
    await user.ask("complete", saved.slice(0, 1));
    expect(await user.ask("list", list)).toEqual(saved.slice(1));
  });

  it("opens no store when it is mounted read-only, and says so", async () => {
    await user.ask("save", list, ["a"]);
    await user.end();
    disk.makeReadOnly();
    user = new StoreProcess(path);
    const error = await user.refusal("list", list);
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(error.message).toContain(`${path}: it lies on a disk that is mounted read-only`);
    expect((await new StoreProcess(join(disk.path, "new")).refusal("open")).message).toContain("read-only");
  });
});
