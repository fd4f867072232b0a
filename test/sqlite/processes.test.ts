import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { leftOut } from "../support/left-out.js";
import { expectIntact, openTasks } from "./judge.js";
import { type SavedTask, StoreProcess } from "./process.js";

const folder = temporaryFolder();
const LIST = "shared.example";
let cases = 0;
let path: string;
beforeEach(() => {
  path = join(folder, `ledger-${cases++}.db`);
});

interface Storm {
  readonly saved: readonly SavedTask[];
  readonly completed: readonly SavedTask[];
}

/** Of each id the latest version that was saved, unless that was completed. */
function expectedOf(storms: readonly Storm[]): Map<string, string> {
  const expected = new Map<string, string>();
  for (const { id, savedAt } of storms.flatMap(({ saved }) => saved))
    if (BigInt(savedAt) > BigInt(expected.get(id) ?? 0)) expected.set(id, savedAt);
  for (const { id, savedAt } of storms.flatMap(({ completed }) => completed))
    if (expected.get(id) === savedAt) expected.delete(id);
  return expected;
}

function namespaces(): readonly string[] {
  const asUser = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  return ["unshare", ...asUser, "--pid", "--fork", "--mount-proc"];
}

function whyNoNamespaces(): string | undefined {
  try {
    execFileSync(namespaces()[0] as string, [...namespaces().slice(1), "true"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "this user can't make PID namespaces (unshare)";
  }
}

describe("processes that share a file", { timeout: 60_000 }, () => {
  it("keep every save that eight of them make while two others open and close it", async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, () => StoreProcess.start(path)));
    const openers = await Promise.all([StoreProcess.start(path), StoreProcess.start(path)]);
    const reopened = openers.map((each) => each.ask("reopen", 10));
    const storms = await Promise.all(
      writers.map((each, i) => each.ask<Storm>("storm", LIST, `own${i}-`, "shared", i + 1, 40)),
    );
    await Promise.all(reopened);
    for (const each of [...writers, ...openers]) expect(await each.end(), each.errors).toBe(0);
    expect(await openTasks(path, LIST)).toEqual(expectedOf(storms));
    expectIntact(path);
  });

  const reason = leftOut("two containers on one file", whyNoNamespaces());
  it.skipIf(reason)(`may each be number 1 in a container${reason ? ` (skipped: ${reason})` : ""}`, async () => {
    const within = namespaces();
    const users = await Promise.all([1, 2].map(() => StoreProcess.start(path, { within })));
    const storms = await Promise.all(
      users.map((each, i) => each.ask<Storm>("storm", LIST, `own${i}-`, "shared", i + 1, 60)),
    );
    for (const each of users) expect(await each.end(), each.errors).toBe(0);
    expect(await openTasks(path, LIST)).toEqual(expectedOf(storms));
  });

  it("wait for one that is stopped while it writes, up to their deadline, and go on once it does", async () => {
    const stopped = await StoreProcess.start(path);
    const waiting = await StoreProcess.start(path, { deadline: 500 });
    const [before] = (await waiting.ask<SavedTask[]>("save", LIST, ["before"])) as [SavedTask];
    stopped.tell("hold", 300);
    expect(await stopped.hear()).toEqual({ holding: true });
    stopped.signal("SIGSTOP");

    const refusal = await waiting.refusal("save", LIST, ["refused"]);
    expect(refusal).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(refusal.message).toContain("another process has held its lock for too long");
    expect(await waiting.refusal("claim", before)).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(await waiting.refusal("complete", [before])).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(await waiting.ask("list", LIST)).toEqual([before]); // reading needs no lock

    stopped.signal("SIGCONT");
    expect((await stopped.hear())?.answer).toBeNull();
    await waiting.ask("save", LIST, ["after"]);
    expect([...(await openTasks(path, LIST)).keys()]).toEqual(["before", "after"]);
    await Promise.all([stopped.end(), waiting.end()]);
  });
});
