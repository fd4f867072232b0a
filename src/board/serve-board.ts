import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type HttpBindings, type ServerType, serve } from "@hono/node-server";
import { checkBoolean, type OptionNames, readOptions } from "../core/arguments.js";
import { invalidArgument } from "../core/errors.js";
import { readArray } from "../core/read-from.js";
import { TaskError } from "../index.js";
import { type Board, type BoardOptions, createBoard } from "./board.js";
import { gate } from "./gate.js";

export interface ServeBoardOptions extends Pick<BoardOptions, "tasks" | "onAction" | "poll"> {
  /** The port to listen on; 0 for any free port. @defaultValue 7420 */
  readonly port?: number | undefined;
  /** The address to listen on. @defaultValue 127.0.0.1 */
  readonly hostname?: string | undefined;
  /** The token that grants access; required if other hosts can reach the board. @defaultValue a new one */
  readonly token?: string | undefined;
  /** Host names that the board accepts besides its own address; `name:port` if a proxy has another port. */
  readonly allowHosts?: readonly string[] | undefined;
  /** Whether tasks can be completed and released. @defaultValue false */
  readonly allowActions?: boolean | undefined;
}

export interface BoardServer {
  /** The address, with the token: it grants access. */
  readonly url: string;
  close(): Promise<void>;
}

const optionNames: OptionNames<ServeBoardOptions> = {
  ...{ tasks: true, onAction: true, poll: true, port: true, hostname: true },
  ...{ token: true, allowHosts: true, allowActions: true },
};

const LEAST_TOKEN = 16;
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/** Serves a board on its own server, protected by a token. Throws INVALID_ARGUMENT, and what listening throws. */
export async function serveBoard(options: ServeBoardOptions): Promise<BoardServer> {
  const given = readOptions(options, optionNames);
  const { tasks, onAction, poll, port = 7420, hostname = "127.0.0.1", allowActions = false } = given;
  checkBoolean("allowActions", allowActions);
  checkText("hostname", hostname);
  checkText("token", given.token ?? "");
  const allowHosts = readArray("allowHosts", "an array of host names", given.allowHosts ?? [], (name) =>
    checkText("allowHosts", name),
  );
  checkExposure(hostname, given.token, allowHosts);
  const token = given.token ?? randomBytes(24).toString("base64url");
  const addresses = new WeakMap<Request, string>();
  const board = createBoard({
    ...{ tasks, onAction, poll },
    access: (request) => ({ level: allowActions ? "act" : "read", who: addresses.get(request) ?? "?" }),
  });
  // Until its port is known, and with it the names that it answers to.
  let fetch: Board["fetch"] = async () => new Response(null, { status: 503 });
  const server = await listen(port, hostname, (request, { incoming }) => {
    addresses.set(request, incoming.socket.remoteAddress ?? "?");
    return fetch(request);
  });
  const { port: own } = server.address() as AddressInfo;
  const names = namesOf(hostname, own, allowHosts);
  fetch = gate(board.fetch, { token, hosts: new Set(names), cookie: `taskledger_${own}` });
  return {
    url: `http://${names[0]}/?token=${encodeURIComponent(token)}`,
    async close() {
      board.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      (server as { closeAllConnections?(): void }).closeAllConnections?.();
      await closed;
    },
  };
}

function checkText(field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw invalidArgument(field, "a text", value);
}

function checkExposure(hostname: string, token: string | undefined, allowHosts: readonly string[]): void {
  if (token !== undefined && token.length < LEAST_TOKEN)
    throw new TaskError("INVALID_ARGUMENT", `the token has less than ${LEAST_TOKEN} characters`, { field: "token" });
  if (loopback.test(hostname) || (token !== undefined && allowHosts.length > 0)) return;
  const message = `${hostname} can be reached from other hosts: give a token of your own, and the names to call it by (allowHosts)`;
  throw new TaskError("INVALID_ARGUMENT", message, { field: "hostname" });
}

/** The accepted names of the server, in lower case, with and without its port. */
function namesOf(hostname: string, port: number, allowed: readonly string[]): string[] {
  const own = loopback.test(hostname) ? [hostname.includes(":") ? "[::1]" : hostname, "localhost"] : [];
  const withPort = [...own, ...allowed].flatMap((name) => (/:\d+$/.test(name) ? [name] : [`${name}:${port}`, name]));
  return withPort.map((name) => name.toLowerCase());
}

type Handler = (request: Request, bindings: HttpBindings) => Promise<Response>;

async function listen(port: number, hostname: string, handler: Handler): Promise<ServerType> {
  const fetch = (request: Request, bindings: unknown) => handler(request, bindings as HttpBindings);
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname, overrideGlobalObjects: false }, () => resolve(server));
    server.once("error", reject);
  });
}
