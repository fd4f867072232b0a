import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A private database server on loopback, with its own folder, which is removed when it is stopped. */
export class Server {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: Folder;
  readonly #onExit: () => void = () => this.#end("SIGKILL");
  #said = "";

  private constructor(port: number, process_: ChildProcess, folder: Folder) {
    this.port = port;
    this.#process = process_;
    this.#folder = folder;
    for (const stream of [process_.stdout, process_.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-2000);
      });
    process.on("exit", this.#onExit);
  }

  /** Starts a program, and waits until it reports that it is ready. */
  static async start(
    program: string,
    args: (port: number) => readonly string[],
    folder: Folder,
    ready: string,
  ): Promise<Server> {
    const port = await freePort();
    const child = spawn(program, args(port), { ...folder.owner, cwd: folder.path, stdio: ["ignore", "pipe", "pipe"] });
    const server = new Server(port, child, folder);
    await server.#untilSaid(ready, program);
    return server;
  }

  /** Ends it, and removes its data. */
  async stop(): Promise<void> {
    process.off("exit", this.#onExit);
    const ended = this.#isRunning && once(this.#process, "exit");
    this.#end("SIGINT");
    await ended;
    this.#folder.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  get #isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  #end(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
    if (signal === "SIGKILL") this.#folder.remove();
  }

  async #untilSaid(text: string, program: string): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (!this.#said.includes(text)) {
      if (!this.#isRunning || Date.now() > deadline) {
        await this.stop();
        throw new Error(`${program} does not start: ${this.#said.trim()}`);
      }
      await sleep(20);
    }
  }
}

/** A server's own folder. Servers that refuse to run as root run as another user, who then owns it. */
export class Folder {
  readonly path: string;
  readonly owner: Pick<SpawnOptions, "uid" | "gid">;

  constructor(name: string, user?: string) {
    this.path = mkdtempSync(join(tmpdir(), `taskledger-${name}-`));
    const isRoot = process.getuid?.() === 0;
    this.owner = user !== undefined && isRoot ? { uid: idOf("-u", user), gid: idOf("-g", user) } : {};
    if (this.owner.uid !== undefined) chownSync(this.path, this.owner.uid, this.owner.gid as number);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function idOf(flag: "-u" | "-g", user: string): number {
  return Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
}

/** The path of a program, in the PATH or in one of the other folders; undefined if there is none. */
export function findProgram(name: string, otherFolders: readonly string[] = []): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...otherFolders];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The folders in which Debian keeps the programs of each version, the newest first. */
export function versionFolders(parent: string): string[] {
  try {
    const versions = readdirSync(parent).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(parent, version, "bin"));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}
