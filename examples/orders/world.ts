import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";

/** An action that was done in the outside world, and can't be undone. */
export interface Deed {
  /** Who did it: the bank, the post office… */
  readonly what: string;
  readonly order: string;
  /** The name of the process that requested it. */
  readonly by: string;
  /** The token of the claim under which it was requested. */
  readonly token: string;
  readonly details: Readonly<Record<string, string>>;
}

/**
 * The world outside the shop, as an HTTP server: a bank, a post office, a search engine. It records all requests. If the same
 * action is requested again, it refuses a token that is not higher than the last one.
 */
export class World {
  readonly #server: Server;
  readonly deeds: Deed[] = [];
  /** Requests that were refused, since they were too late. */
  readonly refused: Deed[] = [];
  /** Cards that the bank declines. */
  readonly declined: Set<string> = new Set();
  readonly #tokens = new Map<string, bigint>();

  static async begin(): Promise<World> {
    const world = new World();
    world.#server.listen(0, "127.0.0.1");
    await once(world.#server, "listening");
    return world;
  }

  private constructor() {
    this.#server = createServer(async (request, response) => {
      response.statusCode = this.#judge(JSON.parse(await textOf(request)));
      response.end();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`;
  }

  /** How often each action was done, by its name and order. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { what, order } of this.deeds) {
      const name = `${what} ${order}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #judge(deed: Deed): number {
    const name = `${deed.what} ${deed.order}`;
    const token = BigInt(deed.token);
    if (this.declined.has(deed.details.card ?? "")) return 402;
    if (token <= (this.#tokens.get(name) ?? -1n)) {
      this.refused.push(deed);
      return 409;
    }
    this.#tokens.set(name, token);
    this.deeds.push(deed);
    return 200;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
