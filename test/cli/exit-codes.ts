import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeFrames } from "taskledger";
import { beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { type ProcessOptions, run, start } from "./process.js";
import type { TestStore } from "./stores.js";

/** What a store holds before each of the commands: the seed, or nothing. */
export type Contents = "seeded" | "empty";

/** What the store of a seeded list holds: tasks of the list `l`, the first of which has been claimed. */
export const seed = {
  ...{ list: "l", ids: ["claimed", "free", "done"], owner: "worker-7" },
  build: (id: string) => FetchFileTask.build({ taskList: "l", id, filename: "é".repeat(100) }),
} as const;

export async function seedStore({ tasks }: TestStore): Promise<void> {
  const [claimed, ...others] = seed.ids.map(seed.build);
  await tasks.saveAll([claimed as FetchFileTask, ...others]);
  await tasks.claim(claimed as FetchFileTask, { owner: seed.owner, lease: 3_600_000 });
}

interface Case {
  /** In it, FILE is an export of the seed, CUT the first half of it, RUBBISH no export, and - the input. */
  readonly line: string;
  /** The exit code on each store; with an error's code behind it, where it prints one. */
  readonly seeded: string;
  /** The same, where it differs with nothing in the store. */
  readonly empty?: string;
  readonly input?: string;
}

/** What changes the seeded store stands at the end. */
const cases: readonly Case[] = [
  { line: "init --chek", seeded: "2 USAGE" },
  { line: "doctor", seeded: "0" },
  { line: "doctor --write -o json", seeded: "0" },
  { line: "doctor l", seeded: "2 USAGE" },
  { line: "lists", seeded: "0" },
  { line: "lists --json", seeded: "0" },
  { line: "lists --no-count --fail-older-than 30d", seeded: "0" },
  { line: "lists --fail-older-than 0s", seeded: "3 TOO_OLD", empty: "0" },
  { line: "lists none --fail-older-than 0s", seeded: "0" },
  { line: "lists ", seeded: "2 INVALID_KEY" },
  { line: "lists --fail-older-than soon", seeded: "2 USAGE" },
  { line: "ls l", seeded: "0" },
  { line: "ls l -o jsonl --unclaimed", seeded: "0" },
  { line: "ls none", seeded: "0" },
  { line: "ls", seeded: "2 USAGE" },
  { line: "ls ", seeded: "2 INVALID_KEY" },
  { line: "ls l --limit 0", seeded: "2 USAGE" },
  { line: "show l free", seeded: "0", empty: "4 NOT_OPEN" },
  { line: "show l free --raw", seeded: "0", empty: "4 NOT_OPEN" },
  { line: "show l none", seeded: "4 NOT_OPEN" },
  { line: "show l", seeded: "2 USAGE" },
  { line: "complete l free", seeded: "2 USAGE" },
  { line: "complete l free --latest", seeded: "2 NOT_CONFIRMED" },
  { line: "complete l free --latest --version 17 --yes", seeded: "2 USAGE" },
  { line: "complete l free --dry-run", seeded: "0", empty: "4 NOT_OPEN" },
  { line: "complete l free --version 17 --yes", seeded: "5 NEWER_VERSION", empty: "4 NOT_OPEN" },
  { line: "complete l none --latest --yes", seeded: "4 NOT_OPEN" },
  { line: "complete --stdin", seeded: "2 USAGE" },
  { line: "complete --stdin --yes", seeded: "0" },
  { line: "complete --stdin --dry-run", seeded: "2 INVALID_LINE", input: "rubbish\n" },
  {
    line: "complete --stdin --dry-run",
    seeded: "5 NEWER_VERSION",
    empty: "4 NOT_OPEN",
    input: '{"taskList":"l","id":"free","version":"17"}\n',
  },
  { line: "release l claimed", seeded: "2 NOT_CONFIRMED" },
  { line: "release l free --yes", seeded: "4 NOT_CLAIMED", empty: "4 NOT_OPEN" },
  { line: "release l none --yes", seeded: "4 NOT_OPEN" },
  { line: "revive l", seeded: "2 NOT_CONFIRMED" },
  { line: "revive l --yes", seeded: "3 NO_DEAD_LETTER", empty: "0" },
  { line: "revive l none --dry-run", seeded: "4 NOT_OPEN" },
  { line: "revive", seeded: "2 USAGE" },
  { line: "export", seeded: "0" },
  { line: "export l none --format jsonl", seeded: "0" },
  { line: "export --format xml", seeded: "2 USAGE" },
  { line: "import FILE", seeded: "3 ALREADY_OPEN", empty: "0" },
  { line: "import FILE --on-conflict skip", seeded: "0" },
  { line: "import CUT --on-conflict skip", seeded: "1 TRUNCATED", empty: "3 TRUNCATED" },
  { line: "import RUBBISH", seeded: "1 INVALID_ENVELOPE" },
  { line: "import - --on-conflict skip", seeded: "1 INVALID_LINE", input: '{"rubbish' },
  { line: "import NONE", seeded: "1 ENOENT" },
  { line: "import FILE --on-conflict never", seeded: "2 USAGE" },
  { line: "decode FILE", seeded: "0" },
  { line: "decode RUBBISH", seeded: "1 INVALID_INPUT" },
  { line: "decode FILE --types RUBBISH", seeded: "2 INVALID_TYPES" },
  { line: "watch", seeded: "2 USAGE" },
  { line: "watch ", seeded: "2 INVALID_KEY" },
  { line: "watch l --interval 0s", seeded: "2 USAGE" },
  { line: "board --port 66000", seeded: "2 USAGE" },
  { line: "board --host 0.0.0.0", seeded: "2 INVALID_ARGUMENT" },
  { line: "release l claimed --yes", seeded: "0", empty: "4 NOT_OPEN" },
  { line: "complete l done --latest --yes", seeded: "0", empty: "4 NOT_OPEN" },
];

/** Commands that have no end, until a signal comes. */
const endless = [
  { line: "lists --watch --interval 50ms", code: 130 },
  { line: "watch l --interval 50ms", code: 130 },
  {
    line: "complete --stdin --yes -o jsonl",
    code: 130,
    input: '{"taskList":"l","id":"none","version":"17"}\n'.repeat(100),
  },
  { line: "board --port 0", code: 0 },
] as const;

/** Every command with each of its exit codes, but for 75, on a store. */
export function describeExitCodes(contents: Contents, options: () => ProcessOptions): void {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  const argsOf = (line: string) =>
    line.split(" ").map((word) => (/^(FILE|CUT|RUBBISH|NONE)$/.test(word) ? at(word) : word));

  beforeAll(async () => {
    const frames: Uint8Array[] = [];
    for await (const frame of encodeFrames(seed.ids.map(seed.build), { maxBatchTasks: 1 })) frames.push(frame);
    const bytes = Buffer.concat(frames);
    writeFileSync(at("FILE"), bytes);
    writeFileSync(at("CUT"), bytes.subarray(0, bytes.length - 10));
    writeFileSync(at("RUBBISH"), "rubbish, and no export\n".repeat(20));
  });

  describe(`exit codes, the store ${contents}`, () => {
    test.each(cases)("taskledger $line", async ({ line, seeded, empty, input }) => {
      const { code, err } = await run(argsOf(line), { ...options(), ...(input !== undefined && { input }) });
      const [, reported] = /^error\[(\w+)\]/m.exec(err) ?? [];
      expect(`${code} ${reported ?? ""}`.trim()).toBe(contents === "empty" ? (empty ?? seeded) : seeded);
    });

    test.each(endless)("taskledger $line ends with $code when a signal comes", async ({ line, code, ...each }) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        const child = await start(argsOf(line), options());
        const ended = once(child, "close");
        if ("input" in each) child.stdin?.write(each.input);
        await once(child.stdout as never, "data"); // it has begun
        child.kill(signal);
        await ended;
        expect({ signal, code: child.exitCode }).toEqual({ signal, code });
      }
    });
  });
}
