import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DataInterface, perform } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { buildDescriptors } from "../cli/descriptors.js";
import { run, runShell, start } from "../cli/process.js";
import { temporaryFolder } from "../support/folders.js";
import { seedLedger } from "./seed.js";

// The outputs in docs/cli.md are what the commands print. UPDATE_DOCS=1 writes them anew.

const document = join(import.meta.dirname, "../../docs/cli.md");
const text = readFileSync(document, "utf8");
const folder = temporaryFolder();
const path = join(folder, "ledger.db");

beforeAll(async () => {
  await seedLedger(path);
  copyFileSync(buildDescriptors(), join(folder, "tasks.binpb"));
});

/** What differs from run to run, and with it the widths of columns. */
function normalized(output: string): string {
  return output
    .replaceAll(/\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\b1\d{15}\b/g, "VERSION")
    .replaceAll(/\b(\d+(ms|[smhd]))+\b|\b\d+ ms\b/g, "DURATION")
    .replaceAll(/token=[\w-]+/g, "token=TOKEN")
    .replaceAll(/\b[\d.]+ MiB/g, "SIZE")
    .replaceAll(/SQLite [\d.]+/g, "SQLite")
    .replaceAll(/@\^?\d+\.\d+\.\d+/g, "@VERSION")
    .replaceAll(/ +/g, " ");
}

/** A command that has no end, until it has printed so many lines. */
async function runFor(args: readonly string[], lines: number, meanwhile: () => Promise<void>): Promise<string> {
  const child = await start(args, { cwd: folder, env });
  let out = "";
  child.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  while (out.split("\n").length <= lines) {
    await sleep(100);
    if (out !== "") await meanwhile(); // it has begun
  }
  child.kill("SIGINT");
  await once(child, "close");
  return out;
}

/** Without the programs that npm adds for its scripts, which users do not have: `init` looks for buf there. */
const PATH = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((entry) => !entry.endsWith("node_modules/.bin"))
  .join(delimiter);

const env = { PATH, TASKLEDGER_STORE: `sqlite:${path}` };

async function saveAnother(): Promise<void> {
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  if (!(await tasks.find("acme.com", "file10")))
    await tasks.create(FetchFileTask, { taskList: "acme.com", id: "file10", filename: "file10.txt" });
  await tasks.close();
}

async function giveUp(id: string): Promise<void> {
  const tasks = new DataInterface({ types: [FetchFileTask], adapter: new SqliteAdapter({ path }) });
  const task = await tasks.create(FetchFileTask, { taskList: "acme.com", id });
  const handler = () => Promise.reject(new Error("the host is down"));
  await perform(tasks, task, handler, { maxAttempts: 1, deadLetterList: "dead" });
  await tasks.close();
}

async function outputOf(command: string): Promise<string> {
  if (command === "taskledger revive dead --dry-run") await giveUp("file7");
  if (command.startsWith("taskledger watch")) {
    const [header = "", event = ""] = (await runFor(command.split(" ").slice(1), 2, saveAnother)).split("\n");
    return `${header}\n${event}\n`;
  }
  if (command.startsWith("taskledger board")) {
    const out = await runFor([...command.split(" ").slice(1), "--port", "0"], 1, async () => undefined);
    return out.replace(/:\d+\//, ":7420/"); // which may be taken here
  }
  const { out, err, code } = await runShell(command, { cwd: folder, env });
  return `${out}${err}${code === 0 ? "" : `(exit code ${code})\n`}`.replaceAll(folder, "/srv/acme");
}

test("what commands print is what the page says", { timeout: 180_000 }, async () => {
  let updated = text;
  for (const [block, content = ""] of text.matchAll(/```console\n(.*?)```/gs)) {
    let fresh = "";
    for (const part of content.split(/^\$ /m).slice(1)) {
      const [command = "", ...expected] = part.split("\n");
      const output = await outputOf(command);
      fresh += `$ ${command}\n${output}`;
      if (!process.env.UPDATE_DOCS)
        expect({ command, output: normalized(output) }).toEqual({ command, output: normalized(expected.join("\n")) });
    }
    updated = updated.replace(block, () => `\`\`\`console\n${fresh}\`\`\``);
  }
  if (process.env.UPDATE_DOCS) writeFileSync(document, updated);
});

/** The options that a text names as code. */
function optionsIn(markdown: string): string[] {
  const spans = markdown.matchAll(/`([^`\n]+)`/g);
  return Array.from(spans, ([, code = ""]) => code.match(/(?<!\S)--[a-z-]+/g) ?? []).flat();
}

describe("the page names every command and option", () => {
  test.each([
    ...["init", "schema", "doctor", "lists", "ls", "show", "complete", "release", "revive"],
    ...["export", "import", "decode", "watch", "board"],
  ])("%s", async (command) => {
    const { out } = await run([command, "--help"]);
    const [own = "", ofAll = ""] = out.split("\nGlobal Options:\n");
    const section = new RegExp(`^### ${command}\n(.*?)(?=^##)`, "ms").exec(text)?.[1] ?? "";
    for (const [, option] of own.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
      if (option !== "--help") expect(optionsIn(section)).toContain(option);
    for (const [, option] of ofAll.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
      if (option !== "--help" && option !== "--version") expect(optionsIn(text)).toContain(option);
  });
});
