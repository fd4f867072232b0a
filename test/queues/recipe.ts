import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataInterface } from "taskledger";
import { SqliteAdapter } from "taskledger/sqlite";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { bundle, repository } from "../support/bundle.js";

/** The class of the quick start, which notes what it does. */
const fetchFile = `
import { appendFileSync } from "node:fs";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";

export class FetchFile extends FetchFileTask {
  override async execute(): Promise<void> {
    appendFileSync("done", this.id + "\\n");
  }
}
`;

const tsconfig = `{ "extends": "../../../tsconfig.json", "include": ["."], "exclude": [] }`;

/** What is a minute on the page is a moment here. */
const moments: readonly [string, string][] = [
  ["olderThan: 60_000", "olderThan: 300"],
  ["interval: 300_000", "interval: 1_000"],
  ["every: 30_000", "every: 100"],
];

/** The programs of a page of docs/, as they are written there, to be run in a folder of their own. */
export class Recipe {
  readonly folder: string;
  readonly #page: string;
  readonly #programs = new Map<string, string>();
  readonly #env: Readonly<Record<string, string>>;
  readonly #running = new Set<ChildProcess>();

  constructor(page: string, env: Readonly<Record<string, string>>) {
    this.#page = `.cache/recipes/${page}`;
    this.#env = env;
    this.folder = join(repository, this.#page);
    rmSync(this.folder, { recursive: true, force: true });
    mkdirSync(this.folder, { recursive: true });
    const text = readFileSync(join(repository, "docs", `${page}.md`), "utf8");
    for (const [, name, program] of text.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms)) this.#write(name, program);
    this.#write("fetch-file.ts", fetchFile);
    this.#write("tsconfig.json", tsconfig);
  }

  #write(name = "", text = ""): void {
    for (const [minute] of moments)
      if (name === "keeper.ts" && !text.includes(minute)) throw new Error(`${name} has no ${minute}`);
    const shortened = moments.reduce((all, [minute, moment]) => all.replace(minute, moment), text);
    writeFileSync(join(this.folder, name), shortened);
  }

  /** Throws if they do not compile. */
  compile(): void {
    execFileSync(join(repository, "node_modules/.bin/tsc"), ["-p", this.folder], { encoding: "utf8" });
  }

  /** Starts a program; it ends in good order when it is told to. */
  async start(name: string): Promise<{ end(): Promise<void> }> {
    const program = this.#programs.get(name) ?? (await bundle(`${this.#page}/${name}`));
    this.#programs.set(name, program);
    const env = { ...process.env, ...this.#env };
    const child = spawn(process.execPath, [program], { cwd: this.folder, env, stdio: ["ignore", "ignore", "pipe"] });
    this.#running.add(child);
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    const ended = once(child, "close");
    return {
      async end() {
        child.kill("SIGTERM");
        await ended;
        if (child.exitCode !== 0)
          throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}: ${errors}`);
      },
    };
  }

  /** Runs a program to its end. */
  async run(name: string): Promise<void> {
    const program = this.#programs.get(name) ?? (await bundle(`${this.#page}/${name}`));
    this.#programs.set(name, program);
    execFileSync(process.execPath, [program], { cwd: this.folder, env: { ...process.env, ...this.#env } });
  }

  /** The ids of the open tasks. */
  async open(): Promise<string[]> {
    const adapter = new SqliteAdapter({ path: join(this.folder, "ledger.db") });
    await using tasks = new DataInterface({ types: [FetchFileTask], adapter });
    const ids: string[] = [];
    for await (const { id } of tasks.all("acme.com")) ids.push(id);
    return ids;
  }

  /** The ids of what was done, each as often as it was. */
  done(): string[] {
    try {
      return readFileSync(join(this.folder, "done"), "utf8").trim().split("\n");
    } catch {
      return [];
    }
  }

  remove(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
