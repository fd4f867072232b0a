import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { BoardAction } from "../../board/index.js";
import { printableLine } from "../../inspection/printable.js";
import { commandError, exitCodes, Interruption } from "../command-error.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { duration, repeated, valueOption } from "../options/values.js";
import { examples } from "../output/help.js";
import { openSession } from "../session.js";
import type { Terminal } from "../terminal.js";

interface BoardCommandOptions extends GlobalOptions {
  readonly port: number;
  readonly host: string;
  readonly allowHost?: readonly string[];
  readonly allowActions?: boolean;
  readonly tokenFile?: string;
  readonly poll: number;
}

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Serves a web page that shows lists, open tasks, their data and claims. It prints the address; the token in it gives" +
        " access. Without --allow-actions it only reads. It runs until it is interrupted.",
    )
    .addOption(valueOption("--port <port>", "the port to listen on", port).default(7420))
    .option(
      "--host <address>",
      "the address to listen on; one that other machines can reach needs --token-file and --allow-host",
      "127.0.0.1",
    )
    .option(
      "--allow-host <name>",
      "a host name by which browsers reach the board, such as a proxy's; may be repeated",
      repeated,
    )
    .option("--allow-actions", "let people complete and release tasks; each action is printed")
    .option("--token-file <file>", "a file that contains the token; by default each start makes a new one")
    .addOption(
      valueOption("--poll <time>", "how often a page that is open is updated from the store", duration).default(
        2_000,
        "2s",
      ),
    )
    .addHelpText(
      "after",
      examples(
        "taskledger board --types tasks.binpb",
        "taskledger board --allow-actions --port 8080 --store sqlite:./ledger.db",
      ),
    )
    .action((_, self: Command) => board(terminal, optionsOf<BoardCommandOptions>(self)));
}

async function board(terminal: Terminal, options: BoardCommandOptions): Promise<void> {
  const { serveBoard } = await loadBoard();
  const { port: wanted, host, allowHost, allowActions = false, tokenFile, poll } = options;
  const token = tokenFile === undefined ? undefined : (await readFile(resolve(terminal.cwd, tokenFile), "utf8")).trim();
  await using session = await openSession(terminal, options, { access: allowActions ? "write" : "read" });
  const { tasks, patience } = session;
  const server = await serveBoard({
    ...{ tasks, token, allowActions, poll, port: wanted, hostname: host, allowHosts: allowHost },
    onAction: (action) => terminal.err.write(`${logLine(action)}\n`),
  });
  try {
    terminal.out.write(`${allowActions ? "" : "Read-only. "}Open ${server.url}\n`);
    const interrupted = terminal.interrupted();
    await patience.suspend(async () => {
      if (!interrupted.aborted) await once(interrupted, "abort");
    });
  } catch (error) {
    if (!(error instanceof Interruption)) throw error; // which is how it ends
  } finally {
    await server.close();
  }
}

/** hono and its server are optional dependencies: only the board needs them. */
async function loadBoard(): Promise<typeof import("../../board/index.js")> {
  try {
    return await import("../../board/index.js");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    const advice = "Install them where taskledger is installed: npm install hono @hono/node-server";
    throw commandError(exitCodes.failed, "MISSING_PACKAGE", "the board needs hono and @hono/node-server", advice);
  }
}

function logLine({ at, action, taskList, id, version, who, result }: BoardAction): string {
  const task = `${printableLine(taskList)}/${printableLine(id)}`;
  return `${at.toISOString()} ${action} ${task} version ${version} by ${who}: ${result}`;
}

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new InvalidArgumentError("Write a port, 0 to 65535; 0 means any free port.");
}
